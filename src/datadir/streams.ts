import type { InventoryFile } from './inventory.js';

/**
 * What opening, creating and renaming a file costs, expressed in bytes copied: about 0.1 ms a file against
 * some 600 MB/s of a stream. Without it a schema of many small tables would all land in one stream.
 */
export const fileOverheadBytes = 65_536;

type FileToSplit = Pick<InventoryFile, 'place' | 'path' | 'size'>;

export interface SplitOptions {
  /** Default `fileOverheadBytes`. */
  readonly overheadBytes?: number | undefined;
}

/**
 * Deals the files out to at most `streams` streams of about equal work: the largest first, each to the stream that has least to do.
 * No stream differs from the mean by more than its largest file. The result depends on the files only, not on their
 * order, and no stream is empty; within a stream the largest come first, so that streams end with small files, at about
 * the same time.
 */
export function splitIntoStreams<T extends FileToSplit>(
  files: readonly T[],
  streams: number,
  options: SplitOptions = {},
): T[][] {
  const overhead = options.overheadBytes ?? fileOverheadBytes;
  const split = Array.from({ length: Math.min(Math.max(1, streams), files.length) }, () => ({
    work: 0,
    files: [] as T[],
  }));
  for (const file of [...files].sort(largestFirst)) {
    const least = split.reduce((best, one) => (one.work < best.work ? one : best));
    least.files.push(file);
    // never 0, or files without contents would all go to the same stream
    least.work += Math.max(1, file.size + overhead);
  }
  return split.map((stream) => stream.files);
}

function largestFirst(one: FileToSplit, other: FileToSplit): number {
  if (one.size !== other.size) return other.size - one.size;
  if (one.place !== other.place) return one.place < other.place ? -1 : 1;
  return one.path < other.path ? -1 : Number(one.path > other.path);
}
