import { openFiles, originOf } from '../processes/proc.js';
import type { TransferStatus } from './status.js';

/** Lists of names and the daemon's log lie in a transfer's private directory. */
const privateFile = /\/galera-sst-tunnel-[^/]+\/[^/]+$/;

/** Fills in the file that each stream is at, from the descriptors of its process; costs some reads of /proc a stream. */
export function withFiles(status: TransferStatus): TransferStatus {
  const streams = status.streams.map(({ pid, ...stream }) =>
    pid === undefined ? stream : { ...stream, pid, file: fileOf(pid, status.dataDir) },
  );
  return { ...status, streams };
}

function fileOf(pid: number, dataDir: string): string | undefined {
  const parent = originOf(pid)?.parentPid;
  return fileInProgress(openFiles(pid), dataDir, parent === undefined ? [] : openFiles(parent));
}

/**
 * Of a process's open files the one that it opened last, relative to the data directory if it is in there.
 * @param inherited what its parent has open: outside the data directory socat's certificate is among them, on a joiner (1.7.4.4)
 */
export function fileInProgress(
  paths: readonly string[],
  dataDir: string,
  inherited: readonly string[] = [],
): string | undefined {
  const isInside = (path: string): boolean => path.startsWith(`${dataDir}/`);
  const path = paths
    .filter((one) => isInside(one) || (!privateFile.test(one) && !inherited.includes(one)))
    .at(-1);
  return path !== undefined && isInside(path) ? path.slice(dataDir.length + 1) : path;
}
