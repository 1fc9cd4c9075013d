import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { loadServer, type GivenServer } from '../agent/servers.js';
import { rehearse } from '../check/rehearse.js';
import { describeFailure, TransferError } from '../errors.js';
import { showBytes } from '../observe/quantities.js';
import { createServerLog } from '../observe/server-log.js';
import { currentTime, ownUser } from '../surroundings.js';
import { becomeServer } from './become-server.js';
import type { Terminal } from './terminal.js';
import { version } from './version.js';

/** What `rehearse` and `backup` are told on the command line. */
export interface RehearseCommand {
  readonly server: GivenServer;
  readonly user: string | undefined;
  readonly donor: string | undefined;
  readonly scratch: string | undefined;
  readonly keepIn: string | undefined;
  readonly isVerbose: boolean;
}

/** `galera-sst-tunnel rehearse` and `backup --to DIR`; gives the exit status. */
export async function runRehearsal(command: RehearseCommand, terminal: Terminal): Promise<number> {
  const ending = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.once(name, () => ending.abort(new TransferError('INTERRUPTED', `ended by ${name}`)));
  const log = createServerLog((line) => process.stderr.write(`${line}\n`), currentTime);
  try {
    await becomeServer(command.user);
    const { result, settings } = await loadServer(command.server);
    if (result instanceof TransferError) throw result;
    if (settings === undefined) return 2;
    const { state, bytes, files, seconds } = await rehearse(
      {
        config: result.node.joiner,
        settings,
        scratch: resolve(command.scratch ?? tmpdir()),
        keepIn: command.keepIn === undefined ? undefined : resolve(command.keepIn),
        donor: command.donor,
      },
      {
        id: randomUUID(),
        version,
        emit: command.isVerbose ? log : () => undefined,
        signal: ending.signal,
        now: currentTime,
        owner: ownUser(),
      },
    );
    const rate = seconds > 0 ? `, ${showBytes(bytes / seconds)}/s` : '';
    terminal.write(
      `the copy is complete: ${files} files, ${showBytes(bytes)} in ${seconds.toFixed(1)} s${rate}, at ${state}\n`,
    );
    terminal.write(
      command.keepIn === undefined
        ? "it has been removed again; how long the donor's writes waited is in its log\n"
        : `it is in ${resolve(command.keepIn)}\n`,
    );
    return 0;
  } catch (error) {
    if (!(error instanceof TransferError)) throw error;
    process.stderr.write(`galera-sst-tunnel: ${error.code}: ${describeFailure(error)}\n`);
    return error.exitStatus;
  }
}
