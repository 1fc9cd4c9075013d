import yargs, { type Argv } from 'yargs';
import { socketVariable, usualSocketPath } from '../control/socket.js';
import { createAgentClient } from '../control/agent-client.js';
import { asTransferError, describeFailure } from '../errors.js';
import { environment } from '../surroundings.js';
import { addCheckCommand, addRehearsal, serverFiles } from './check-command.js';
import { addCertsCommands } from './certs-commands.js';
import { addAgentCommands } from './agent-commands.js';
import { standardTerminal } from './terminal.js';
import { explainUsage, noCommand, unknownCommand } from './usage-error.js';
import { version } from './version.js';

/** What is wrong with the words on the command line. */
class UsageError extends Error {}

/** Everything but `sst`: the commands that people use. Gives the exit status. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  // `plan … | head`: nobody reads on, and that is no failure of ours.
  process.stdout.on('error', () => undefined);
  try {
    return await dispatch(argv);
  } catch (thrown) {
    if (thrown instanceof UsageError) {
      const words = withoutHelp(argv);
      process.stderr.write(explainUsage(thrown.message, await helpFor(words), words));
      return 22;
    }
    const error = asTransferError(thrown);
    process.stderr.write(`galera-sst-tunnel: ${error.code}: ${describeFailure(error)}\n`);
    return error.exitStatus;
  }
}

/** yargs makes a list of an option that is given twice; only these are meant to be lists. */
const lists = new Set(['_', 'san', 'server', 'files', 'certificates']);

function refuseRepeated(words: Readonly<Record<string, unknown>>): true {
  const repeated = Object.keys(words).find((name) => Array.isArray(words[name]) && !lists.has(name));
  if (repeated !== undefined) throw new Error(`--${repeated} is given more than once`);
  return true;
}

const isHelp = (word: string): boolean => word === '--help' || word === '-h';

/** What follows `--mysqld-args` is the server's, which has a `-h` of its own. */
function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--mysqld-args');
  return argv.slice(0, end === -1 ? undefined : end).some(isHelp);
}

function withoutHelp(argv: readonly string[]): readonly string[] {
  return asksForHelp(argv) ? argv.filter((word) => !isHelp(word)) : argv;
}

/** yargs answers with the help of all, as if nothing were wrong. */
async function refuseHelpAboutNothing(argv: readonly string[]): Promise<void> {
  const words = withoutHelp(argv);
  const unknown = unknownCommand(await helpFor(words), words);
  if (unknown !== undefined) throw new UsageError(`Unknown argument: ${unknown}`);
}

async function dispatch(argv: readonly string[]): Promise<number> {
  let status = 0;
  const planOptions = argv[0] === 'plan' ? argv.slice(2) : [];
  const wantsHelp = asksForHelp(argv);
  if (wantsHelp) await refuseHelpAboutNothing(argv);
  if (argv[0] === 'plan' && argv[1] === undefined) {
    throw new UsageError('plan: expected the role, joiner or donor');
  }
  // The server's options are not ours to parse: what follows the role goes to the parser that the script uses.
  const own = argv[0] === 'plan' && !wantsHelp ? argv.slice(0, 2) : argv;
  const ending = new AbortController();
  if (argv.includes('--watch')) process.once('SIGINT', () => ending.abort());
  await commandLine(own, {
    planOptions,
    signal: ending.signal,
    onStatus: (one) => (status = one),
  }).parseAsync();
  return status;
}

/** The help of the command that words begin with, or of all. */
async function helpFor(argv: readonly string[]): Promise<string> {
  const end = argv.findIndex((word) => !/^[a-z][a-z-]*$/.test(word));
  const words = [...argv.slice(0, end === -1 ? undefined : end), '--help'];
  const signal = AbortSignal.abort();
  const cli = commandLine(words, { planOptions: [], signal, onStatus: () => undefined });
  return new Promise((resolve) => {
    void cli.parse(words, {}, (_error, _words, output) => resolve(output));
  });
}

/** Those of the server's that decide what is planned: shown in the help, and read as the server's script reads them. */
const serverWords = {
  address: { type: 'string', describe: 'required: what Galera would hand over, the address of the joiner' },
  ...serverFiles,
  datadir: { type: 'string', describe: 'the data directory; default: as in [mysqld]' },
  bypass: { type: 'boolean', describe: 'donor: the joiner needs no copy (IST)' },
} as const;

/** All commands; what one of them ends with is told to `onStatus`. */
function commandLine(
  words: readonly string[],
  given: {
    readonly planOptions: readonly string[];
    /** Ends `status --watch`. */
    readonly signal: AbortSignal;
    readonly onStatus: (exitStatus: number) => void;
  },
): Argv {
  const { planOptions, signal, onStatus } = given;
  const defaultSocket = environment[socketVariable] ?? usualSocketPath;
  const cli: Argv = yargs(words)
    .scriptName('galera-sst-tunnel')
    .usage(
      '$0 COMMAND\n\nState snapshot transfers for MariaDB Galera: rsync inside mutually authenticated TLS tunnels.',
    )
    .command(
      'plan <role>',
      'print what a transfer would run, and run nothing',
      (command) =>
        command
          .positional('role', { choices: ['joiner', 'donor'] as const, demandOption: true })
          .usage(
            "$0 plan joiner|donor --address ADDRESS [the server's options]\n\nprint what a transfer would run, and run nothing",
          )
          .options(serverWords)
          .example(
            '$0 plan joiner --address node2.my.cluster --defaults-file=/etc/mysql/my.cnf',
            'what this node would run as joiner',
          )
          .example(
            '$0 plan donor --address node2.my.cluster:4444 --datadir=/var/lib/mysql',
            'what it would run to serve node2',
          )
          .epilogue('Exit status: 0, or that of the failure which a transfer would end with.'),
      async ({ role }) => {
        const { runPlan } = await import('./plan.js');
        onStatus(await runPlan(role, planOptions, (text) => process.stdout.write(`${text}\n`)));
      },
    )
    .command(
      'agent',
      'do the transfers of all servers on this host, as a service',
      (command) =>
        command
          .option('socket', {
            type: 'string',
            default: defaultSocket,
            describe: 'where scripts and commands find the agent',
          })
          .option('state-dir', {
            type: 'string',
            default: environment['STATE_DIRECTORY'],
            describe: 'where the history is kept; in memory if missing',
          })
          .option('server', {
            type: 'string',
            array: true,
            // One word each: what follows is not another one.
            nargs: 1,
            default: [],
            describe:
              "a server to check while it is idle: its option file, or the options that it is started with; may be repeated. Default: those that have asked for a transfer, else the one of the system's option files",
          })
          .option('metrics-listen', {
            type: 'string',
            requiresArg: true,
            describe:
              'an ADDRESS:PORT to serve /metrics on as well, and nothing else; 127.0.0.1 if only :PORT is named',
          })
          .option('log-format', { choices: ['json', 'pretty'] as const, default: 'json' as const })
          .example('$0 agent --log-format pretty', 'in a terminal, to look at')
          .example(
            '$0 agent --server /etc/mysql/node2.cnf --metrics-listen :9469',
            'another server, with metrics',
          ),
      async ({ socket, stateDir, server, logFormat, metricsListen }) => {
        const { runAgent } = await import('./agent.js');
        onStatus(await runAgent({ socket, stateDir, servers: server, logFormat, metricsListen }));
      },
    )
    .command('sst', 'do a transfer, as the server asks for it (wsrep_sst_rsync_tunnel runs this)')
    // main.ts makes --help of it.
    .command('help [command..]', 'explain a command');
  const terminal = standardTerminal();
  const onFailure = (exitStatus: number, text: string): void => {
    process.stderr.write(`galera-sst-tunnel: ${text}\n`);
    onStatus(exitStatus);
  };
  addCheckCommand(cli, { defaultSocket, terminal, onStatus, onFailure });
  addRehearsal(cli, { defaultSocket, terminal, onStatus, onFailure });
  addCertsCommands(cli, { terminal, onFailure });
  return addAgentCommands(cli, { connect: createAgentClient, defaultSocket, terminal, signal, onFailure })
    .version(version)
    .alias('h', 'help')
    .strict()
    .check(refuseRepeated)
    .demandCommand(1, noCommand)
    .example('$0 check', 'will a transfer work on this node? What not, and what to do')
    .example(
      '$0 rehearse --preflight',
      'would one begin? Both sides verify each other, nothing is locked or copied',
    )
    .example('$0 status --watch', 'the transfers that run, with progress and time left')
    .example('$0 history', 'those of the past; show ID has all of one')
    .example('$0 certs issue node1.my.cluster', 'a certificate for a node')
    .wrap(null)
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      // What a command itself has thrown comes without a message.
      throw message === null && error !== undefined ? error : new UsageError(message ?? 'wrong words');
    });
}
