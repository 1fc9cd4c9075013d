import { TransferError } from '../errors.js';
import { identify, isAlive } from '../processes/proc.js';

/** How often to look whether they are still there, in ms. */
const lookEveryMs = 500;

/**
 * Calls back once when one of the processes has ended, for a transfer that is not done in the script's own process.
 * Processes that cannot be seen from here (another PID namespace, `hidepid`) are not watched.
 */
export function watchServerProcesses(
  pids: readonly (number | undefined)[],
  onGone: (error: TransferError) => void,
): () => void {
  const watched = pids.flatMap((pid) => (pid === undefined ? [] : (identify(pid) ?? [])));
  const timer = setInterval(() => {
    const gone = watched.find((process) => !isAlive(process));
    if (gone === undefined) return;
    clearInterval(timer);
    onGone(new TransferError('PARENT_GONE', `the server (process ${gone.pid}) has ended`));
  }, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}
