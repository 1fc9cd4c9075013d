import { TransferError } from '../errors.js';

/** How often to look whether the server is still there, in ms. */
const lookEveryMs = 500;

/**
 * Calls back once when the server is gone: the process that it named (a joiner's `--parent`), or whoever started this
 * one, since a process whose parent has died is given another.
 */
export function watchParent(
  parentPid: number | undefined,
  onGone: (error: TransferError) => void,
): () => void {
  const startedBy = process.ppid;
  const timer = setInterval(() => {
    const isGone = process.ppid !== startedBy || (parentPid !== undefined && !exists(parentPid));
    if (!isGone) return;
    clearInterval(timer);
    onGone(new TransferError('PARENT_GONE', `the server (process ${parentPid ?? startedBy}) has ended`));
  }, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
