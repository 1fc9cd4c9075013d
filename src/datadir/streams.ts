import { pick, type Files } from './file-table.js';

/**
 * What opening, creating and renaming a file costs, expressed in bytes copied: about 0.1 ms a file against
 * some 600 MB/s of a stream. Without it a schema of many small tables would all land in one stream.
 */
export const fileOverheadBytes = 65_536;

/** What sending a file costs, expressed in bytes copied. */
export function workOf({ size }: { readonly size: number }): number {
  return size + fileOverheadBytes;
}

export interface SplitOptions {
  /** Default `fileOverheadBytes`. */
  readonly overheadBytes?: number | undefined;
}

/**
 * Deals the files out to at most `streams` streams of about equal work: the largest first, each to the stream that has least to do.
 * No stream differs from the mean by more than its largest file. How much work each has depends on the files only, not on their
 * order, and no stream is empty; within a stream the largest come first, so that streams end with small files, at about
 * the same time.
 */
export function splitIntoStreams<T extends { readonly size: number }>(
  files: Files<T>,
  streams: number,
  options: SplitOptions = {},
): Files<T>[] {
  const overhead = options.overheadBytes ?? fileOverheadBytes;
  const sizes = sizesOf(files);
  const largestFirst = new Uint32Array(sizes.length)
    .map((_, index) => index)
    .sort((a, b) => (sizes[b] ?? 0) - (sizes[a] ?? 0));
  const split = Array.from({ length: Math.min(Math.max(1, streams), files.length) }, () => ({
    work: 0,
    indexes: [] as number[],
  }));
  for (const index of largestFirst) {
    const least = split.reduce((best, one) => (one.work < best.work ? one : best));
    least.indexes.push(index);
    // never 0, or files without contents would all go to the same stream
    least.work += Math.max(1, (sizes[index] ?? 0) + overhead);
  }
  return split.map(({ indexes }) => pick(files, Uint32Array.from(indexes)));
}

/** One by one: `Float64Array.from` would have all the files in memory first. */
function sizesOf(files: Files<{ readonly size: number }>): Float64Array {
  const sizes = new Float64Array(files.length);
  let index = 0;
  for (const { size } of files) sizes[index++] = size;
  return sizes;
}
