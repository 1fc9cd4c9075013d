import type { Config } from '../config/config.js';
import {
  marginMs,
  mayBeSpared,
  mayDiffer,
  showsChanges,
  type SentFile,
  type SentFiles,
} from '../datadir/changes.js';
import { FileTable, type FileList, type FileName, type Files } from '../datadir/file-table.js';
import { totalSize, type Inventory, type InventoryFile } from '../datadir/inventory.js';
import { workOf } from '../datadir/streams.js';
import type { TransferContext } from './context.js';

/** Less than this is sent in the time that a pass takes for its connections: the lock may as well be held for it. */
const leastBytes = 8 * 1024 * 1024;
/** A pass must leave clearly less than the one before, or the server writes as fast as files are sent. */
const clearlyLess = 0.6;
/** For `precopy=auto`: with each pass leaving clearly less than the last, only a very large database gets that far. */
const passesAtMost = 10;

/** Smaller files are sent as fast as they are compared. */
const leastBasisBytes = 65_536;

/**
 * Of so many files a look takes longer than a sample of them. So soon after the last look the lock cannot take much longer than that, whatever
 * the sample misses: a small table that has become large, a new schema.
 */
const sampledFrom = { files: 4096, withinMs: 10_000 };
const sampleSize = 2000;

/** A look at some files only. */
export interface LookAtSome {
  /** What lies under the name of a file or directory now; undefined where nothing does. */
  readonly file: (name: FileName) => InventoryFile | undefined;
  /** The names in a directory below the data directory now. */
  readonly names: (directory: string) => readonly string[];
}

/** What a donor that copies ahead begins with, and how it goes on. */
export interface CopyingAhead {
  /** What need not be sent unless it changes; what is sent is added. */
  readonly sent: SentFiles;
  /** Gives first what was offered. */
  readonly look: () => Promise<Inventory>;
  /** Begins to look at some files only. */
  readonly lookAtSome: () => LookAtSome;
  /** Sends a pass's files; tolerates that files change and vanish. */
  readonly send: (pass: number, files: Files<InventoryFile>) => Promise<void>;
}

/**
 * Sends what shows its changes while the server writes, again and again as long as each pass leaves clearly less to do.
 * What changed, vanished or was renamed meanwhile is no error: the times of what is there under the lock tell what has to be sent
 * once more.
 */
export async function copyAhead(
  { precopy }: Pick<Config, 'precopy'>,
  { sent, look, lookAtSome, send }: CopyingAhead,
  { emit, now }: Pick<TransferContext, 'emit' | 'now'>,
): Promise<void> {
  const most = precopy === 'auto' ? passesAtMost : precopy;
  let before = Infinity;
  for (let pass = 1; pass <= most; pass++) {
    const looked = await look();
    // All is sent anew: no measure for how fast the server writes.
    if (sent.isDoubted) before = Infinity;
    const { due, all } = filesOfPass(pass, looked, sent, before, precopy);
    if (due.length === 0) break;
    const began = performance.now();
    await send(pass, all);
    const seconds = (performance.now() - began) / 1000;
    emit({ kind: 'notice', text: describePass(pass, due, seconds) });
    for (const file of due) sent.set(file, looked);
    if (
      pass < most &&
      isSampled(sent, looked, now()) &&
      leftBySample(sent, looked, lookAtSome()) < leastBytes
    )
      break;
    // What was left out comes under another name, and is no sign of a server that writes as fast as files are sent.
    before = totalWork(due) + totalWork(looked.files.filter((file) => isPassing(file, looked)));
  }
}

/** What a pass sends: what is due, and with it what will only be a basis for the differences under the lock. */
export interface FilesOfPass {
  readonly due: FileList<InventoryFile>;
  readonly all: FileList<InventoryFile>;
}

/**
 * What pass number `pass` sends; nothing when it would not pay.
 * @param before the work of the pass before it, infinite for the first one
 */
export function filesOfPass(
  pass: number,
  look: Pick<Inventory, 'files' | 'foreignClocks' | 'takenMs'>,
  sent: SentFiles,
  before: number,
  precopy: Config['precopy'],
): FilesOfPass {
  const due = dueAhead(look, sent);
  const work = totalWork(due);
  if (due.length === 0 || !isWorthIt(work, before, precopy === 'auto' || pass > 1))
    return { due: new FileTable(), all: new FileTable() };
  return { due, all: withBasis(look, due, pass === 1 ? Infinity : work) };
}

/**
 * What a pass has to send: what changed since it was sent, or was not sent yet. What the lock will not be spared anyway is sent once; what an ALTER TABLE
 * is making, not at all.
 */
export function dueAhead(
  look: Pick<Inventory, 'files' | 'foreignClocks' | 'takenMs'>,
  sent: SentFiles,
): FileList<InventoryFile> {
  return look.files.filter((file) => {
    if (!showsChanges(file) || isPassing(file, look)) return false;
    if (sent.size === 0) return true;
    const before = sent.get(file);
    return mayDiffer(file, before) && (before === undefined || mayBeSpared(file, look));
  });
}

/** Names that tables and partitions have while they are made anew (10.11, 11.8). */
const passingNames = /(?:^|\/)#sql[^/]*$|#TMP#[^/]*$/i;
/** One that nobody has written to for longer is what a crash has left. */
const passingMs = 5 * 60_000;

/**
 * Whether it is about to get another name, under which it is sent anyway. The joiner would keep it until the end, when names that are gone are removed,
 * beside the table that comes of it: room for two.
 */
function isPassing(file: InventoryFile, { takenMs }: Pick<Inventory, 'takenMs'>): boolean {
  return Math.abs(takenMs - file.mtimeMs) < passingMs && passingNames.test(file.path);
}

/**
 * What is sent under the lock whatever happens is sent before, too, where it is no more than the pass itself: then only the differences
 * are left for the lock. Of a redo log or a binary log these are what was written in between.
 */
function withBasis(
  look: Pick<Inventory, 'files' | 'takenMs'>,
  due: FileList<InventoryFile>,
  atMostBytes: number,
): FileList<InventoryFile> {
  const { files } = look;
  const isBasis = (file: InventoryFile): boolean =>
    file.size >= leastBasisBytes && !showsChanges(file) && !isPassing(file, look);
  const basis = files.filter(isBasis);
  if (basis.length === 0 || totalSize(basis) > atMostBytes) return due;
  return files.filter((file) => isBasis(file) || due.has(file));
}

/** What a pass costs, in bytes; a file costs something whatever its size. */
function totalWork(files: Iterable<InventoryFile>): number {
  let work = 0;
  for (const file of files) work += workOf(file);
  return work;
}

function isSampled(sent: SentFiles, { takenMs }: Inventory, now: Date): boolean {
  return sent.size >= sampledFrom.files && now.getTime() - takenMs < sampledFrom.withinMs;
}

/**
 * How much work is left, in bytes, by a sample of what was sent, and by what has a new name. Infinite where a sample does not tell: it would
 * pass over too much from one file to the next.
 */
export function leftBySample(
  sent: SentFiles,
  looked: Pick<Inventory, 'files' | 'directories' | 'foreignClocks' | 'takenMs'>,
  look: LookAtSome,
): number {
  if (looked.directories.length > sampleSize) return Infinity;
  const made = workOfNew(looked, look);
  if (made >= leastBytes) return made;
  let all = 0;
  for (const { file } of sent) all += workOf(file);
  const step = all / sampleSize;
  return step > leastBytes ? Infinity : made + estimateLeft(sent, step, looked, look);
}

/** The work of files that have got their names since the look, as far as it matters. */
function workOfNew(
  { files, directories, takenMs }: Pick<Inventory, 'files' | 'directories' | 'takenMs'>,
  look: LookAtSome,
): number {
  let work = 0;
  for (const directory of directories) {
    const now = look.file({ place: 'data', path: directory });
    if (now !== undefined && now.mtimeMs < takenMs - marginMs) continue;
    for (const name of look.names(directory)) {
      const file = { place: 'data', path: `${directory}/${name}` } as const;
      if (!files.has(file) && !passingNames.test(name)) work += workOf(look.file(file) ?? nothing);
      if (work >= leastBytes) return work;
    }
  }
  return work;
}

const nothing = { size: 0 };

/** The golden ratio's fraction: multiples of it are spread evenly, and meet no order that the files have. */
const spread = 0.618_033_988_75;

/**
 * How much work is left of what was sent, in bytes: in each step of so many bytes the file is looked at that lies at one point of it. So each is as
 * likely to be as it is large, and from two steps up it is for certain.
 */
function estimateLeft(
  sent: Iterable<SentFile>,
  step: number,
  looked: Pick<Inventory, 'foreignClocks'>,
  look: LookAtSome,
): number {
  let passed = 0;
  let left = 0;
  let points = 0;
  const next = (): number => (points + (((points + 1) * spread) % 1)) * step;
  for (const one of sent) {
    passed += workOf(one.file);
    const before = points;
    while (next() < passed) points += 1;
    if (points === before || !mayBeSpared(one.file, looked)) continue;
    const now = look.file(one.file);
    if (now === undefined || !mayDiffer(now, one)) continue;
    // What has grown stands for others that have, as it stands for others of its size.
    const growth = Math.max(0, workOf(now) - workOf(one.file)) * Math.max(1, step / workOf(one.file));
    left += (points - before) * step + growth;
  }
  return left;
}

/** Whether another pass over so much work pays, after one over `before`. */
export function isWorthIt(work: number, before: number, skipsLittle: boolean): boolean {
  return (!skipsLittle || work >= leastBytes) && work < clearlyLess * before;
}

function describePass(pass: number, files: Files<InventoryFile>, seconds: number): string {
  const bytes = totalSize(files);
  return `pass ${pass}, while the server writes: sent ${files.length} files, ${bytes} bytes in ${seconds.toFixed(1)} s`;
}
