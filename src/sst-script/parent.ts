import { TransferError } from '../errors.js';
import { identify, isAlive, originOf, type ProcessIdentity } from '../processes/proc.js';

/** How often to look whether the server is still there, in ms. (A joiner then listens for 0.5 s more, and all is to be over within a second.) */
const lookEveryMs = 100;

/**
 * The process that runs this script. The server starts `sh -c 'wsrep_sst_… --role …'` (10.11.19), and that shell may
 * stay between the two: it outlives a server that is killed.
 */
export function findServer(startedBy: number = process.ppid): number {
  const origin = originOf(startedBy);
  const [shell = '', option, command = ''] = origin?.argv ?? [];
  const isBetween = /(^|\/)(ba|da)?sh$/.test(shell) && option === '-c' && command.includes('--role');
  return origin !== undefined && isBetween && origin.parentPid > 1 ? origin.parentPid : startedBy;
}

/** What stays between the server and this process: the server waits for it, too, also while it is stopped. */
export function shellsBetween(): ProcessIdentity[] {
  const startedBy = process.ppid;
  const shell = findServer(startedBy) === startedBy ? undefined : identify(startedBy);
  return shell === undefined ? [] : [shell];
}

/**
 * Calls back once when the server is gone: the process that it named (a joiner's `--parent`), the one that runs this
 * script, or whoever started this one, since a process whose parent has died is given another.
 */
export function watchParent(
  parentPid: number | undefined,
  onGone: (error: TransferError) => void,
): () => void {
  const startedBy = process.ppid;
  const serverPid = findServer(startedBy);
  const server = identify(serverPid);
  const timer = setInterval(() => {
    const isGone =
      process.ppid !== startedBy ||
      (server !== undefined && !isAlive(server)) ||
      (parentPid !== undefined && !exists(parentPid));
    if (!isGone) return;
    clearInterval(timer);
    onGone(new TransferError('PARENT_GONE', `the server (process ${parentPid ?? serverPid}) has ended`));
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
