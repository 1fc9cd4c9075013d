import type { Argv } from 'yargs';
import type { GivenServer } from '../agent/servers.js';
import { describeFailure, TransferError } from '../errors.js';
import type { Terminal } from './terminal.js';

/** What `check` needs. */
export interface CheckCommandGiven {
  readonly defaultSocket: string;
  readonly terminal: Terminal;
  readonly onStatus: (exitStatus: number) => void;
  readonly onFailure: (exitStatus: number, text: string) => void;
}

/** The options with which a server finds its option files and data, handed on as they are. */
const serverOptions = ['defaults-file', 'defaults-extra-file', 'defaults-group-suffix', 'datadir'] as const;

/** Adds `check`. */
export function addCheckCommand(cli: Argv, given: CheckCommandGiven): Argv {
  return cli.command(
    'check',
    'check everything that a transfer needs, on this node',
    (command) =>
      command
        .options({
          'defaults-file': { type: 'string', describe: "the server's only option file" },
          'defaults-extra-file': { type: 'string', describe: 'an option file beside the usual ones' },
          'defaults-group-suffix': { type: 'string', describe: 'groups with this suffix count too' },
          datadir: { type: 'string', describe: 'the data directory; default: as in [mysqld]' },
          address: {
            type: 'string',
            describe: 'what donors connect to; default: as the server would find it',
          },
          user: {
            type: 'string',
            describe: 'whose permissions count, when root asks; default: mysql',
          },
          peer: {
            type: 'string',
            describe: 'instead: shake hands with the joiner that listens at HOST[:PORT]',
          },
          'replication-from': {
            type: 'string',
            describe: 'instead: verify the server at HOST[:PORT] as a replica on this host would',
          },
          socket: { type: 'string', default: given.defaultSocket, describe: "the agent's socket" },
          json: { type: 'boolean', default: false, describe: 'print JSON' },
        })
        .example('$0 check', 'this node, with its usual option files')
        .example('$0 check --defaults-file=/etc/mysql/node2.cnf --json', 'another server of this host')
        .example('$0 check --peer node2.my.cluster', 'would this node send to the one that waits there?')
        .example('$0 check --replication-from db1.other.site', 'what CHANGE MASTER TO needs')
        .epilogue('Exit status: 0 all is well, 1 there are warnings, 2 there are errors.'),
    async (argv) => {
      const words = serverOptions.flatMap((name) => {
        const value = argv[name];
        return value === undefined ? [] : [`--${name}`, value];
      });
      const server: GivenServer = {
        name: argv['defaults-file'] ?? 'my.cnf',
        argv: words,
        env: {},
        directory: process.cwd(),
        address: argv.address,
      };
      const { peer, replicationFrom, json, socket: socketPath, user } = argv;
      try {
        const { runCheck } = await import('./check.js');
        given.onStatus(
          await runCheck({ server, peer, replicationFrom, json, socketPath, user }, given.terminal),
        );
      } catch (error) {
        if (!(error instanceof TransferError)) throw error;
        given.onFailure(2, `${error.code}: ${describeFailure(error)}`);
      }
    },
  );
}
