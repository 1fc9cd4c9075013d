import type { Config } from '../config/config.js';
import { keyOf, mayDiffer, showsChanges, type SentFile, type SentFiles } from '../datadir/changes.js';
import { totalSize, type Inventory, type InventoryFile } from '../datadir/inventory.js';
import { fileOverheadBytes } from '../datadir/streams.js';
import type { TransferContext } from './context.js';

/** Less than this is sent in the time that a pass takes for its connections: the lock may as well be held for it. */
const leastBytes = 8 * 1024 * 1024;
/** A pass must leave clearly less than the one before, or the server writes as fast as files are sent. */
const clearlyLess = 0.6;
/** For `precopy=auto`: with each pass leaving clearly less than the last, only a very large database gets that far. */
const passesAtMost = 10;

/** What a donor that copies ahead begins with, and how it goes on. */
export interface CopyingAhead {
  readonly offered: Inventory;
  /** What need not be sent unless it changes. */
  readonly sentBefore: SentFiles;
  readonly look: () => Promise<Inventory>;
  /** Sends a pass's files; tolerates that files change and vanish. */
  readonly send: (pass: number, files: readonly InventoryFile[]) => Promise<void>;
}

/**
 * Sends what shows its changes while the server writes, again and again as long as each pass leaves clearly less to do.
 * What changed, vanished or was renamed meanwhile is no error: the times of what is there under the lock tell what has to be sent
 * once more.
 */
export async function copyAhead(
  { precopy }: Pick<Config, 'precopy'>,
  { offered, sentBefore, look, send }: CopyingAhead,
  { emit }: Pick<TransferContext, 'emit'>,
): Promise<SentFiles> {
  const sent = new Map<string, SentFile>(sentBefore);
  const most = precopy === 'auto' ? passesAtMost : precopy;
  let before = Infinity;
  let inventory = offered;
  for (let pass = 1; pass <= most; pass++) {
    if (pass > 1) inventory = await look();
    const due = dueAhead(inventory.files, sent);
    const work = workOf(due);
    if (due.length === 0 || !isWorthIt(work, before, precopy === 'auto' || pass > 1)) break;
    const began = performance.now();
    await send(pass, due);
    const seconds = (performance.now() - began) / 1000;
    emit({ kind: 'notice', text: describePass(pass, due, seconds) });
    for (const file of due) sent.set(keyOf(file), { file, passStartedMs: inventory.takenMs });
    before = work;
  }
  return sent;
}

/** What a pass has to send: what changed since it was sent, or was not sent yet. */
export function dueAhead(files: readonly InventoryFile[], sent: SentFiles): InventoryFile[] {
  return files.filter((file) => showsChanges(file) && mayDiffer(file, sent.get(keyOf(file))));
}

/** What a pass costs, in bytes; a file costs something whatever its size. */
function workOf(files: readonly InventoryFile[]): number {
  return files.reduce((sum, file) => sum + file.size + fileOverheadBytes, 0);
}

/** Whether another pass over so much work pays, after one over `before`. */
export function isWorthIt(work: number, before: number, skipsLittle: boolean): boolean {
  return (!skipsLittle || work >= leastBytes) && work < clearlyLess * before;
}

function describePass(pass: number, files: readonly InventoryFile[], seconds: number): string {
  const bytes = totalSize(files);
  return `pass ${pass}, while the server writes: sent ${files.length} files, ${bytes} bytes in ${seconds.toFixed(1)} s`;
}
