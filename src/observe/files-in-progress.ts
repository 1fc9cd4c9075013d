import { openFiles } from '../processes/proc.js';
import type { TransferStatus } from './status.js';

/** Lists of names and the daemon's log lie in a transfer's private directory. */
const privateFile = /\/galera-sst-tunnel-[^/]+\/[^/]+$/;

/** Fills in the file that each stream is at, from the descriptors of its process; costs some reads of /proc a stream. */
export function withFiles(status: TransferStatus): TransferStatus {
  const streams = status.streams.map((stream) =>
    stream.pid === undefined
      ? stream
      : { ...stream, file: fileInProgress(openFiles(stream.pid), status.dataDir) },
  );
  return { ...status, streams };
}

/** Of a process's open files the one that it opened last, relative to the data directory if it is in there. */
export function fileInProgress(paths: readonly string[], dataDir: string): string | undefined {
  const path = paths.filter((candidate) => !privateFile.test(candidate)).at(-1);
  return path?.startsWith(`${dataDir}/`) === true ? path.slice(dataDir.length + 1) : path;
}
