import type { Config } from '../config/config.js';
import { mayBeSpared, mayDiffer, showsChanges, type SentFile, type SentFiles } from '../datadir/changes.js';
import { FileTable, type FileList, type Files } from '../datadir/file-table.js';
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
 * Of so many files a look takes longer than a sample of them, and after a pass that took less than so many seconds the lock cannot take
 * much longer than that, whatever the sample has missed.
 */
const sampledFrom = { files: 4096, seconds: 5 };
const sampleSize = 2000;

/** What a donor that copies ahead begins with, and how it goes on. */
export interface CopyingAhead {
  /** What need not be sent unless it changes; what is sent is added. */
  readonly sent: SentFiles;
  /** Gives first what was offered. */
  readonly look: () => Promise<Inventory>;
  /** What lies under a file's name now. */
  readonly lookAgain: (file: InventoryFile) => InventoryFile | undefined;
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
  { sent, look, lookAgain, send }: CopyingAhead,
  { emit }: Pick<TransferContext, 'emit'>,
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
    const isSampled = sent.size >= sampledFrom.files && seconds < sampledFrom.seconds;
    if (isSampled && estimateLeft(sent, lookAgain) < leastBytes) break;
    before = totalWork(due);
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
  look: Pick<Inventory, 'files' | 'foreignClocks'>,
  sent: SentFiles,
  before: number,
  precopy: Config['precopy'],
): FilesOfPass {
  const due = dueAhead(look, sent);
  const work = totalWork(due);
  if (due.length === 0 || !isWorthIt(work, before, precopy === 'auto' || pass > 1))
    return { due: new FileTable(), all: new FileTable() };
  return { due, all: withBasis(look.files, due, pass === 1 ? Infinity : work) };
}

/** What a pass has to send: what changed since it was sent, or was not sent yet. What the lock will not be spared anyway is sent once. */
export function dueAhead(
  look: Pick<Inventory, 'files' | 'foreignClocks'>,
  sent: SentFiles,
): FileList<InventoryFile> {
  return look.files.filter((file) => {
    const before = sent.get(file);
    return showsChanges(file) && mayDiffer(file, before) && (before === undefined || mayBeSpared(file, look));
  });
}

/**
 * What is sent under the lock whatever happens is sent before, too, where it is no more than the pass itself: then only the differences
 * are left for the lock. Of a redo log or a binary log these are what was written in between.
 */
function withBasis(
  files: FileList<InventoryFile>,
  due: FileList<InventoryFile>,
  atMostBytes: number,
): FileList<InventoryFile> {
  const isBasis = (file: InventoryFile): boolean => !showsChanges(file) && file.size >= leastBasisBytes;
  if (totalSize(files.filter(isBasis)) > atMostBytes) return due;
  return files.filter((file) => isBasis(file) || due.has(file));
}

/** What a pass costs, in bytes; a file costs something whatever its size. */
function totalWork(files: Iterable<InventoryFile>): number {
  let work = 0;
  for (const file of files) work += workOf(file);
  return work;
}

/**
 * How much work is left of what was sent, in bytes, by a sample of the files: each as likely as it is large, and those that are larger than the
 * mean step for certain.
 * @param atMost how many files are looked at
 */
export function estimateLeft(
  sent: Iterable<SentFile>,
  lookAgain: CopyingAhead['lookAgain'],
  atMost = sampleSize,
): number {
  let all = 0;
  for (const { file } of sent) all += workOf(file);
  const step = all / atMost;
  let passed = 0;
  let next = step / 2;
  let left = 0;
  for (const one of sent) {
    passed += workOf(one.file);
    if (passed < next) continue;
    const steps = 1 + Math.floor((passed - next) / step);
    next += steps * step;
    const now = lookAgain(one.file);
    if (now !== undefined && mayDiffer(now, one)) left += steps * step;
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
