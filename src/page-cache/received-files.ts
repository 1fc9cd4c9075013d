/** A process that writes the files of one stream, and what it has open. */
export interface Writer {
  readonly pid: number;
  /** Absolute paths, the one that it opened last at the end. */
  readonly open: readonly string[];
}

/** Until what has been told to be written to disk is there, in ms; what is not stays in memory. */
const writtenAfterMs = 500;

/** How often a file that has come is given up: what is written to disk at the first time leaves memory at the second. */
const times = 2;

/**
 * Tells which files of a copy have come, from what those who write them have open. An rsync sends its files in the order of their names (3.5.0):
 * between two looks it has gone through all between its two places, as far as they are its own. What of that is wrong costs nothing
 * but that a file stays in the page cache, or leaves it early.
 */
export class ReceivedFiles {
  readonly #paths: readonly string[];
  readonly #directories: ReadonlySet<string>;
  /** Of each file, how often it was given up since it had come. */
  readonly #given: Uint8Array;
  readonly #places = new Map<number, number>();
  #again: { readonly index: number; readonly sinceMs: number }[] = [];
  readonly #giveUp: (path: string) => boolean;

  /**
   * @param paths those that may be given up: absolute, without links
   * @param giveUp says whether the file was there
   */
  constructor(paths: readonly string[], giveUp: (path: string) => boolean) {
    this.#paths = [...paths].sort();
    this.#directories = new Set(paths.map(directoryOf));
    this.#given = new Uint8Array(this.#paths.length);
    this.#giveUp = giveUp;
  }

  /** Gives up what has come since the last look, of what is still coming what has come of it, and what had come a while ago once more. */
  look(writers: readonly Writer[], nowMs: number): void {
    while ((this.#again[0]?.sinceMs ?? nowMs) + writtenAfterMs <= nowMs)
      this.#give(this.#again.shift()?.index);
    for (const [pid, place] of this.#places) {
      if (writers.some((writer) => writer.pid === pid)) continue;
      this.#places.delete(pid);
      this.#hasCome(place, nowMs);
    }
    for (const { pid, open } of writers) {
      const path = open.findLast((one) => this.#directories.has(directoryOf(one)));
      // Between two files, or where none is that counts.
      if (path === undefined) continue;
      const place = this.#placeOf(path);
      for (let index = this.#places.get(pid) ?? place; index < place; index++) this.#hasCome(index, nowMs);
      this.#places.set(pid, place);
      if (this.#paths[place] !== path) continue;
      // A table of that name may have been there before, and have been given up in its place. (One that comes between two looks is not seen.)
      if (this.#given[place] !== 0) this.#again = this.#again.filter(({ index }) => index !== place);
      this.#given[place] = 0;
      this.#giveUp(path);
    }
  }

  #hasCome(index: number, nowMs: number): void {
    if (this.#given[index] === 0 && this.#give(index)) this.#again.push({ index, sinceMs: nowMs });
  }

  #give(index: number | undefined): boolean {
    const path = this.#paths[index ?? -1];
    if (index === undefined || path === undefined || (this.#given[index] ?? 0) >= times) return false;
    if (!this.#giveUp(path)) return false;
    this.#given[index] = (this.#given[index] ?? 0) + 1;
    return true;
  }

  /** The number of the first path that does not come before this one. */
  #placeOf(path: string): number {
    let from = 0;
    let to = this.#paths.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#paths[middle] ?? '') < path) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

function directoryOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
