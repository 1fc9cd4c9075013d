import { writeSync } from 'node:fs';
import { TransferError } from '../errors.js';
import { createServerLog } from '../observe/server-log.js';
import { runScript } from '../sst-script/run.js';
import { version } from './version.js';

/** `galera-sst-tunnel sst …`: the whole transfer in this process, as the server's SST script. */
export async function runSst(argv: readonly string[]): Promise<number> {
  const interrupted = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
    process.on(name, () => interrupted.abort(new TransferError('INTERRUPTED', `ended by ${name}`)));
  }
  const gone = (): void =>
    interrupted.abort(new TransferError('PARENT_GONE', 'the server no longer reads what this script says'));
  const status = await runScript({
    argv,
    env: process.env,
    stdin: process.stdin,
    writeLine: (line) => write(1, line, gone),
    emit: createServerLog(
      (line) => write(2, line, () => undefined),
      () => new Date(),
    ),
    signal: interrupted.signal,
    version,
  });
  return status;
}

/** Writes at once: what is said must have been said before the next step, and also when the process is about to end. */
function write(descriptor: 1 | 2, line: string, onGone: () => void): void {
  let rest = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      // A pipe that is full for a moment: its reader is the server.
      if (code === 'EAGAIN') continue;
      onGone();
      return;
    }
  }
}
