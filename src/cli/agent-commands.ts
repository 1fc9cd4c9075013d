import type { Argv } from 'yargs';
import type { AgentClient } from '../control/client-interface.js';
import { describeFailure, TransferError } from '../errors.js';
import { runAbort, runThrottle } from './control.js';
import { runHistory, runShow } from './history.js';
import { runStatus, watchStatus } from './status.js';
import type { Terminal } from './terminal.js';

/** What the agent's commands need. */
export interface AgentCommands {
  readonly connect: (socketPath: string) => AgentClient;
  readonly defaultSocket: string;
  readonly terminal: Terminal;
  /** Ends `status --watch`. */
  readonly signal: AbortSignal;
  /** Takes the exit status of a command that fails. */
  readonly onFailure: (exitStatus: number, text: string) => void;
}

/** Adds `status`, `history`, `show`, `abort` and `throttle`, which ask the agent. */
export function addAgentCommands(cli: Argv, given: AgentCommands): Argv {
  const socket = {
    type: 'string',
    default: given.defaultSocket,
    describe: "the agent's socket",
  } as const;
  const json = { type: 'boolean', default: false, describe: 'print JSON' } as const;
  const id = { type: 'string', describe: 'a transfer, by the beginning of its id' } as const;
  const ask = async (socketPath: string, work: (client: AgentClient) => Promise<void>): Promise<void> => {
    try {
      await work(given.connect(socketPath));
    } catch (error) {
      if (!(error instanceof TransferError)) throw error;
      given.onFailure(error.exitStatus, `${error.code}: ${describeFailure(error)}`);
    }
  };
  const { terminal, signal } = given;
  return cli
    .command(
      'status',
      'show running transfers and what the self-checks have found',
      (command) =>
        command
          .options({ socket, json })
          .option('watch', { type: 'boolean', default: false, describe: 'go on, in place on a terminal' })
          .example('$0 status', 'what runs now, and what the self-checks have found')
          .example('$0 status --watch', 'with progress, rate and time left, until Ctrl-C'),
      ({ socket: path, json: asJson, watch }) =>
        ask(path, (client) =>
          watch
            ? watchStatus(client, { json: asJson }, terminal, signal)
            : runStatus(client, { json: asJson }, terminal),
        ),
    )
    .command(
      'history',
      'list transfers, the newest first',
      (command) =>
        command
          .options({ socket, json })
          .option('limit', { type: 'number', default: 20, describe: 'how many of the newest' })
          .example('$0 history --limit 3', 'the last three, with how they ended'),
      ({ socket: path, json: asJson, limit }) =>
        ask(path, (client) => {
          if (Number.isInteger(limit) && limit > 0)
            return runHistory(client, { json: asJson, limit }, terminal);
          const hint = 'see galera-sst-tunnel history --help';
          throw new TransferError('ARGUMENT_INVALID', '--limit: expected a whole number from 1', { hint });
        }),
    )
    .command(
      'show <id>',
      'show all commands and log lines of one transfer',
      (command) =>
        command
          .options({ socket, json })
          .positional('id', { ...id, demandOption: true })
          .example('$0 show 1a2b3c4d', 'everything that it ran and said'),
      ({ socket: path, json: asJson, id: wanted }) =>
        ask(path, (client) => runShow(client, wanted, { json: asJson }, terminal)),
    )
    .command(
      'abort [id]',
      'end a running transfer cleanly',
      (command) =>
        command
          .options({ socket })
          .positional('id', id)
          .example('$0 abort', 'the one that runs')
          .example('$0 abort 1a2b3c4d', 'one of several'),
      ({ socket: path, id: wanted }) => ask(path, (client) => runAbort(client, wanted, terminal)),
    )
    .command(
      'throttle <rate> [id]',
      'limit the rate of a running transfer',
      (command) =>
        command
          .options({ socket })
          .positional('rate', {
            type: 'string',
            demandOption: true,
            describe: 'bytes a second: 500k, 80M, 1G; 0 for no limit',
          })
          .positional('id', id)
          .example('$0 throttle 80M', 'the one that runs sends 80 MiB a second at most')
          .example('$0 throttle 0', 'and as fast as it can again'),
      ({ socket: path, rate, id: wanted }) =>
        ask(path, (client) => runThrottle(client, rate, wanted, terminal)),
    );
}
