import type { Stats } from 'node:fs';
import { existsSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { writing } from '../errors.js';
import { marginMs } from './changes.js';
import { endingOf, endingOfPath, FileTable, type FileName } from './file-table.js';
import { rootOf, type Layout } from './layout.js';
import type { Manifest, ManifestFile } from './manifest.js';
import { pacer } from './pace.js';

/** An earlier transfer into the same directories that broke. */
export interface BrokenTransfer {
  readonly offer: Manifest;
  /** When it was at work for the last time, by this host's clock, ms since 1970. */
  readonly lastAliveMs: number;
  /** This host has not been started anew since: what had been written is there, whether it was on disk or not. */
  readonly sameBoot: boolean;
}

/** What of an offer lies on the joiner already. */
export interface Held {
  /** Need not be sent. */
  readonly complete: readonly HeldFile[];
  readonly completeBytes: number;
  /** Something is there that may resemble the donor's file: sending the differences will do. */
  readonly similar: readonly HeldFile[];
}

/** As a donor is told. */
export type AnsweredHeld = Pick<Held, 'complete' | 'similar'>;

export type HeldFile = FileName;

export const nothingHeld: Held = { complete: [], completeBytes: 0, similar: [] };

/** The sign of life is renewed every second; after a power cut the last ones may not have reached the disk. */
const aliveToleranceMs = { sameBoot: 2000, otherBoot: 60_000 };

/** Below this it costs less to send a file than to find out how it differs. */
const worthComparingBytes = 65_536;

/**
 * Decides which tables' files need not be sent again, and of which files the differences will do. A table's file counts as complete when the donor shows the same file as in
 * the broken transfer (same donor and host start, inode, times and size, and written to clearly before the first look), and
 * what lies here has that size and, to the microsecond, that time, which rsync sets when it has written the last byte.
 * Everything that is not a table's file is always sent, or compared.
 */
export function findHeld(layout: Layout, offer: Manifest, broken: BrokenTransfer): Held {
  const complete: HeldFile[] = [];
  const similar: HeldFile[] = [];
  let completeBytes = 0;
  const before = FileTable.of(broken.offer.files);
  const isSameDonor = offer.donorId !== undefined && offer.donorId === broken.offer.donorId;
  for (const file of offer.files) {
    // The joiner's own binary logs are removed before anything comes.
    if (file.place === 'binlog') continue;
    const earlier = before.find(file);
    const own = statOf(layout, file);
    if (earlier === undefined || own === undefined) continue;
    const { place, path, size } = file;
    const isComplete =
      isTable(file) &&
      isSameDonor &&
      broken.sameBoot &&
      isUnchanged(earlier, file, broken.offer.takenMs) &&
      isReceived(own, file);
    if (isComplete) {
      complete.push({ place, path });
      completeBytes += size;
    } else if (size >= worthComparingBytes && own.size >= worthComparingBytes) similar.push({ place, path });
  }
  return { complete, completeBytes, similar };
}

/** InnoDB writes these, and nothing else, in a way that always changes their times (10.11). */
export function isTable(file: FileName): boolean {
  return endingOfPath(file) === ibd && file.place === 'data';
}

const ibd = endingOf('.ibd');

function isUnchanged(earlier: ManifestFile, now: ManifestFile, takenMs: number | undefined): boolean {
  const { mtimeMs, ctimeMs, ino } = now;
  return (
    takenMs !== undefined &&
    mtimeMs !== undefined &&
    ctimeMs !== undefined &&
    ino !== undefined &&
    mtimeMs < takenMs - marginMs &&
    ctimeMs < takenMs - marginMs &&
    earlier.size === now.size &&
    earlier.mtimeMs === mtimeMs &&
    earlier.ctimeMs === ctimeMs &&
    earlier.ino === ino
  );
}

function isReceived(own: Stats, { size, mtimeMs }: ManifestFile): boolean {
  const hasTime = mtimeMs !== undefined && mtimeMs !== disownedMs;
  return hasTime && own.size === size && Math.abs(own.mtimeMs - mtimeMs) < 0.001;
}

/** The time of a file that looks like the donor's and is not believed: no donor's file with it counts as received. */
const disownedMs = 0;

/**
 * Takes the donor's time from every table that is not complete and yet looks as if it were. The transfer that begins now leaves
 * its own marker; should it break before such a file was sent, the next one must not take it for one that this one has received.
 * @throws TransferError DIRECTORY_NOT_WRITABLE.
 */
export async function disownOthers(
  layout: Layout,
  { files }: Manifest,
  { complete }: Pick<Held, 'complete'>,
  signal?: AbortSignal,
): Promise<void> {
  const believed = FileTable.of(complete.map((name) => ({ ...name, size: 0 })));
  const turn = pacer(signal);
  const isMissing = missingDirectories(layout);
  for (const file of files) {
    const pause = turn();
    if (pause !== undefined) await pause;
    if (!isTable(file) || isMissing(file) || believed.has(file)) continue;
    const own = statOf(layout, file);
    if (own === undefined || !isReceived(own, file)) continue;
    const path = join(rootOf(layout, file.place) ?? '', file.path);
    writing(path, () => utimesSync(path, disownedMs, disownedMs));
  }
}

/** Tells whether the directory that a table would lie in is missing: asked once for all tables in it that follow one another. */
function missingDirectories({ roots }: Layout): (table: FileName) => boolean {
  let asked: string | undefined;
  let isMissing = false;
  return ({ path }) => {
    const directory = path.slice(0, path.lastIndexOf('/') + 1);
    if (directory !== asked) isMissing = !existsSync(join(roots.data, directory));
    asked = directory;
    return isMissing;
  };
}

/**
 * The file that shows that a server has opened the directories since the transfer broke; undefined when none does. A
 * server writes to these files as soon as it starts (10.11). Of their times both must be newer: a change of owner or mode
 * changes the ctime alone, and the mtime of a file that was sent is the donor's, whose clock may be ahead.
 */
export function openedSince(layout: Layout, broken: Omit<BrokenTransfer, 'offer'>): string | undefined {
  const toleranceMs = broken.sameBoot ? aliveToleranceMs.sameBoot : aliveToleranceMs.otherBoot;
  return serverFiles(layout).find((file) => {
    const stat = statSync(file, { throwIfNoEntry: false });
    return stat?.isFile() === true && Math.min(stat.ctimeMs, stat.mtimeMs) > broken.lastAliveMs + toleranceMs;
  });
}

function serverFiles({ roots }: Layout): string[] {
  return [
    join(roots['innodb-log'], 'ib_logfile0'),
    join(roots['innodb-home'], 'ibdata1'),
    join(roots['innodb-home'], 'ibtmp1'),
    join(roots.data, 'ibtmp1'),
    join(roots.aria, 'aria_log_control'),
    join(roots.undo, 'undo001'),
  ];
}

function statOf(layout: Layout, { place, path }: ManifestFile): Stats | undefined {
  const root = rootOf(layout, place);
  if (root === undefined) return undefined;
  const stat = statSync(join(root, path), { throwIfNoEntry: false });
  return stat?.isFile() === true ? stat : undefined;
}
