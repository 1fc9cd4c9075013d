import { endingOf, endingOfPath, FileTable, type FileList, type FileName } from './file-table.js';
import type { Inventory, InventoryFile } from './inventory.js';
import { isOfLogTable, logTableFiles } from './kinds.js';

/** A file as it was just before it was sent, while the server was writing. */
export interface SentFile {
  readonly file: InventoryFile;
  /**
   * When the pass that sent it began, before its inventory: ms since 1970 on the file system's clock; `-Infinity` where that is
   * not certain, so that the file counts as changed.
   */
  readonly passStartedMs: number;
}

/** What has to be known of a look for what is sent after it. */
type Look = Pick<Inventory, 'takenMs' | 'foreignClocks'>;

/** What has been sent while the server was writing. */
export class SentFiles {
  #files = new FileTable<InventoryFile>();
  #passesStartedMs: number[] = [];
  #isDoubted = false;

  /** `doubt` was called, and nothing was sent since. */
  get isDoubted(): boolean {
    return this.#isDoubted;
  }

  get size(): number {
    return this.#files.length;
  }

  /** @param look what the pass began with that has sent the file */
  set(file: InventoryFile, look: Look): void {
    this.#passesStartedMs[this.#files.put(file)] = mayBeSpared(file, look) ? look.takenMs : -Infinity;
    this.#isDoubted = false;
  }

  /** From here on all that was sent until now counts as changed, whatever its times say. */
  doubt(): void {
    this.#passesStartedMs.fill(-Infinity);
    this.#isDoubted = true;
  }

  get(name: FileName): SentFile | undefined {
    const file = this.#files.find(name);
    const passStartedMs = this.#passesStartedMs[this.#files.rowOf(name) ?? -1];
    return file === undefined || passStartedMs === undefined ? undefined : { file, passStartedMs };
  }

  *[Symbol.iterator](): Generator<SentFile, void> {
    let row = 0;
    for (const file of this.#files) yield { file, passStartedMs: this.#passesStartedMs[row++] ?? 0 };
  }

  /** Nobody will ask any more: the memory is needed for other things. */
  clear(): void {
    this.#files = new FileTable();
    this.#passesStartedMs = [];
  }
}

/**
 * How much older than a look at a file (a pass's start, an earlier transfer's offer) its times must be for its contents to be older too: a write shows its time when it begins
 * (O_DIRECT and asynchronous ones as well, Linux 6.18), and its bytes some time later; the kernel's clock for files ticks every
 * 4 ms, and some file systems keep times in steps of 1 or 2 s.
 */
export const marginMs = 5000;

/** Names a file among all of a copy. */
export function keyOf({ place, path }: FileName): string {
  return `${place}/${path}`;
}

/**
 * Kinds of files that a server writes with system calls only (10.11, 11.8), so that their times tell of every change: InnoDB's
 * tables, and the small files beside tables that are written once. Everything else counts as changed always: a redo log that is
 * mapped into memory shows no new time on some file systems, MyISAM's data can be mapped too, and the rest is small.
 */
export function showsChanges(file: FileName): boolean {
  return endingsThatShow.has(endingOfPath(file)) && file.place === 'data';
}

const endingsThatShow: ReadonlySet<number> = new Set(
  ['.ibd', '.frm', '.par', '.opt', '.TRG', '.TRN'].map((ending) => endingOf(ending)),
);

/**
 * Whether a file that was sent after this look need not be sent under the lock if it looks unchanged there: its times tell of changes,
 * and what time it was by their clock is known.
 */
export function mayBeSpared(file: InventoryFile, look: Pick<Look, 'foreignClocks'>): boolean {
  return showsChanges(file) && !hasForeignClock(file, look);
}

function hasForeignClock({ dev }: InventoryFile, { foreignClocks }: Pick<Look, 'foreignClocks'>): boolean {
  return foreignClocks?.has(dev) === true;
}

/**
 * Whether what lies under this name may have other contents than what was sent under it. Unchanged is only what still is the same
 * file (a rename puts another one in its place) of the same size, with times that are the same as before it was sent and clearly
 * older than that. The change time (ctime) cannot be set back by anybody, and it changes with a rename.
 */
export function mayDiffer(now: InventoryFile, sent: SentFile | undefined): boolean {
  if (sent === undefined || !showsChanges(now)) return true;
  return !looksSame(now, sent.file) || Math.max(now.mtimeMs, now.ctimeMs) >= sent.passStartedMs - marginMs;
}

/** Whether two looks at a name have found the same file in the same state, as far as its size and times tell. */
export function looksSame(now: InventoryFile, before: InventoryFile): boolean {
  return (
    now.dev === before.dev &&
    now.ino === before.ino &&
    now.size === before.size &&
    now.mtimeMs === before.mtimeMs &&
    now.ctimeMs === before.ctimeMs
  );
}

/** What has to be sent again under the lock. */
export interface ChangedUnderLock {
  readonly files: FileList<InventoryFile>;
  /** There is doubt only: a look from this time on, ms since 1970, will not leave it; `Infinity` where no clock tells, and rest only does. */
  readonly certainFromMs?: number | undefined;
}

const secondMs = 1000;

/** So long a time after a look a write sets another second than one that the look has seen, by whatever clock: the kernel's ticks every 10 ms at least. */
export const restMs = secondMs + 20;

/**
 * What may have other contents at the look `now` than it had at the look `before`, after which it was sent. Where files have
 * times of whole seconds, one that was written in the second of that look, or since, may have been written once more. Of Aria's
 * files all count as changed when one has: what the control file says must be in the log. The server's log tables are never still: of
 * them a new file only counts.
 * @param rested a look that had ended {@link restMs} before `before` began
 */
export function changedUnderLock(before: Inventory, now: Inventory, rested?: Inventory): ChangedUnderLock {
  const changed = now.files.filter((file) => {
    const then = before.files.find(file);
    return then === undefined || !(looksSame(file, then) || isOfLogTable(file));
  });
  const wasAtRest = (file: InventoryFile): boolean => {
    const then = rested?.files.find(file);
    return then !== undefined && looksSame(file, then);
  };
  const doubtful = now.files.filter((file) => mayHideChange(file, before, now) && !wasAtRest(file));
  if (changed.length + doubtful.length === 0) return { files: changed };
  const isAria = ({ place }: InventoryFile): boolean => place === 'aria';
  const withAria = [...changed, ...doubtful].some(isAria);
  const files = now.files.filter(
    (file) => (withAria && isAria(file)) || changed.has(file) || doubtful.has(file),
  );
  if (changed.length > 0) return { files };
  let newestMs = 0;
  // One by one: a call takes some 100,000 arguments at most.
  for (const file of doubtful)
    newestMs = Math.max(newestMs, hasForeignClock(file, now) ? Infinity : file.mtimeMs);
  return { files, certainFromMs: newestMs + secondMs };
}

/** How far a file server's clock may be ahead of this host's, which a look's time never is. */
const clockLeadAtMostMs = 10 * 60_000;

/**
 * Any write since the look `before` would have set both times to another second otherwise: a later one than the file's or, where its
 * time lies in the future (set by `touch`, or before the clock was set back), an earlier one.
 */
function mayHideChange(file: InventoryFile, before: Inventory, now: Inventory): boolean {
  const { mtimeMs, ctimeMs } = file;
  if (mtimeMs % secondMs !== 0 || mtimeMs !== ctimeMs || showsChanges(file) || isOfLogTable(file))
    return false;
  // A clock that was not asked may be behind by whatever it likes: then only rest tells.
  if (hasForeignClock(file, now)) return Math.abs(now.takenMs - mtimeMs) <= clockLeadAtMostMs;
  const fromMs = before.takenMs - (before.takenMs % secondMs);
  return mtimeMs >= fromMs && mtimeMs <= now.takenMs + clockLeadAtMostMs;
}

/**
 * The files of log tables that the server may have written to since the look `before`, after which they were sent: paths below the data directory.
 * A copy of them is good enough, as of any log that goes on.
 */
export function logTablesWritten(before: Inventory, now: Inventory): readonly string[] {
  const isWritten = (file: FileName): boolean => {
    const [then, found] = [before.files.find(file), now.files.find(file)];
    if (found === undefined) return false;
    return then === undefined || !looksSame(found, then) || found.mtimeMs >= before.takenMs - marginMs;
  };
  return logTableFiles.filter(isWritten).map(({ path }) => path);
}

/** What the joiner has had since an earlier transfer broke, as if it had been sent before the offer's inventory. */
export function sentBefore(offered: Inventory, complete: readonly FileName[]): SentFiles {
  const sent = new SentFiles();
  for (const name of complete) {
    const file = offered.files.find(name);
    if (file !== undefined) sent.set(file, offered);
  }
  return sent;
}
