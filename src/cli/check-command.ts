import type { Argv } from 'yargs';
import type { GivenServer } from '../agent/servers.js';
import { asTransferError, describeFailure } from '../errors.js';
import type { Terminal } from './terminal.js';

/** What `check` needs. */
export interface CheckCommandGiven {
  readonly defaultSocket: string;
  readonly terminal: Terminal;
  readonly onStatus: (exitStatus: number) => void;
  readonly onFailure: (exitStatus: number, text: string) => void;
}

/** How a server finds its option files. */
export const serverFiles = {
  'defaults-file': { type: 'string', requiresArg: true, describe: "the server's only option file" },
  'defaults-extra-file': {
    type: 'string',
    requiresArg: true,
    describe: 'an option file beside the usual ones',
  },
  'defaults-group-suffix': {
    type: 'string',
    requiresArg: true,
    describe: 'groups with this suffix count too',
  },
} as const;

/** Adds `rehearse` and `backup`. */
export function addRehearsal(cli: Argv, given: CheckCommandGiven): Argv {
  const options = {
    ...serverFiles,
    address: {
      type: 'string',
      requiresArg: true,
      describe: 'where the donor connects to; default: as the server would find it',
    },
    donor: {
      type: 'string',
      requiresArg: true,
      describe: 'the name of the node to copy from; default: Galera chooses',
    },
    scratch: {
      type: 'string',
      requiresArg: true,
      describe: 'where the copy goes in the meantime; default: the temporary directory',
    },
    user: { type: 'string', requiresArg: true, describe: 'who does it, when root asks; default: mysql' },
    verbose: { type: 'boolean', default: false, describe: 'log every step' },
  } as const;
  const run = async (argv: {
    readonly defaultsFile?: string | undefined;
    readonly defaultsExtraFile?: string | undefined;
    readonly defaultsGroupSuffix?: string | undefined;
    readonly address?: string | undefined;
    readonly donor?: string | undefined;
    readonly scratch?: string | undefined;
    readonly user?: string | undefined;
    readonly verbose: boolean;
    readonly to?: string | undefined;
    readonly preflight?: boolean | undefined;
    readonly startServer?: boolean | undefined;
  }): Promise<void> => {
    const { runRehearsal } = await import('./rehearse.js');
    const { donor, scratch, user, verbose: isVerbose, to: keepIn } = argv;
    const { preflight: isPreflight = false, startServer: startsServer = false } = argv;
    const command = {
      server: serverOf(argv),
      user,
      donor,
      scratch,
      keepIn,
      isVerbose,
      isPreflight,
      startsServer,
    };
    given.onStatus(await runRehearsal(command, given.terminal));
  };
  return cli
    .command(
      'rehearse',
      'do a real transfer into a scratch directory, and remove it again',
      (command) =>
        command
          .options(options)
          .option('preflight', {
            type: 'boolean',
            describe: 'stop when the donor has listed its files: no lock, no data',
          })
          .option('start-server', {
            type: 'boolean',
            describe: 'start a server on the copy, and have it open every table',
          })
          .conflicts('preflight', 'start-server')
          .example('$0 rehearse --preflight', 'would a transfer begin? Nothing is locked or copied')
          .example('$0 rehearse --donor node2', 'would node2 reach this node, and how fast?')
          .example('$0 rehearse --scratch /srv/scratch --start-server', 'and does a server run on the copy?')
          .epilogue(rehearsalStatus),
      (argv) => run(argv),
    )
    .command(
      'backup',
      'do a real transfer into a directory, and keep it',
      (command) =>
        command
          .options(options)
          .option('to', {
            type: 'string',
            requiresArg: true,
            demandOption: true,
            describe: 'the directory for the copy',
          })
          .example('$0 backup --to /srv/backup/monday', 'with the position in galera-position')
          .epilogue(rehearsalStatus),
      (argv) => run(argv),
    );
}

const rehearsalStatus =
  "Exit status: 0, or the error's: 16 when port 4444 is in use, 28 when there is no room, 32 when a peer fails …";

function serverOf(argv: {
  readonly defaultsFile?: string | undefined;
  readonly defaultsExtraFile?: string | undefined;
  readonly defaultsGroupSuffix?: string | undefined;
  readonly datadir?: string | undefined;
  readonly address?: string | undefined;
}): GivenServer {
  const { defaultsFile, defaultsExtraFile, defaultsGroupSuffix, datadir, address } = argv;
  const given = {
    'defaults-file': defaultsFile,
    'defaults-extra-file': defaultsExtraFile,
    'defaults-group-suffix': defaultsGroupSuffix,
    datadir,
  };
  // The options with which a server finds its option files and data, handed on as they are.
  const words = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  );
  return { name: defaultsFile ?? 'my.cnf', argv: words, env: {}, directory: process.cwd(), address };
}

/** Adds `check`. */
export function addCheckCommand(cli: Argv, given: CheckCommandGiven): Argv {
  return cli.command(
    'check',
    'check everything that a transfer needs, on this node',
    (command) =>
      command
        .options({
          ...serverFiles,
          datadir: {
            type: 'string',
            requiresArg: true,
            describe: 'the data directory; default: as in [mysqld]',
          },
          address: {
            type: 'string',
            requiresArg: true,
            describe: 'what donors connect to; default: as the server would find it',
          },
          user: {
            type: 'string',
            requiresArg: true,
            describe: 'whose permissions count, when root asks; default: mysql',
          },
          peer: {
            type: 'string',
            requiresArg: true,
            describe: 'instead: shake hands with the joiner that listens at HOST[:PORT]',
          },
          'replication-from': {
            type: 'string',
            requiresArg: true,
            describe: 'instead: verify the server at HOST[:PORT] as a replica on this host would',
          },
          socket: {
            type: 'string',
            requiresArg: true,
            default: given.defaultSocket,
            describe: "the agent's socket",
          },
          json: { type: 'boolean', default: false, describe: 'print JSON' },
        })
        .example('$0 check', 'this node, with its usual option files')
        .example('$0 check --defaults-file=/etc/mysql/node2.cnf --json', 'another server of this host')
        .example('$0 check --peer node2.my.cluster', 'would this node send to the one that waits there?')
        .example('$0 check --replication-from db1.other.site', 'what CHANGE MASTER TO needs')
        .epilogue('Exit status: 0 all is well, 1 there are warnings, 2 there are errors.'),
    async (argv) => {
      const server = serverOf(argv);
      const { peer, replicationFrom, json, socket: socketPath, user } = argv;
      try {
        const { runCheck } = await import('./check.js');
        given.onStatus(
          await runCheck({ server, peer, replicationFrom, json, socketPath, user }, given.terminal),
        );
      } catch (thrown) {
        const error = asTransferError(thrown);
        given.onFailure(2, `${error.code}: ${describeFailure(error)}`);
      }
    },
  );
}
