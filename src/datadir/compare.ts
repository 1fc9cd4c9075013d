import { statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { FileTable, type FileName } from './file-table.js';
import { belongs, isOfLogTable } from './kinds.js';
import type { Layout, Place } from './layout.js';
import { rootOf } from './layout.js';
import type { Manifest, ManifestFile } from './manifest.js';
import { pacer } from './pace.js';
import { walkLayout } from './walk.js';

/** How a joiner's files differ from the donor's manifest; a directory has the place `data`. Sizes in bytes. */
export type Difference =
  | { readonly kind: 'missing'; readonly place: Place; readonly path: string }
  | {
      readonly kind: 'missing directory' | 'unexpected directory';
      readonly place: 'data';
      readonly path: string;
    }
  | {
      readonly kind: 'size';
      readonly place: Place;
      readonly path: string;
      readonly expected: number;
      readonly found: number;
    }
  /** The modification time is not the donor's: rsync did not write this file, whatever its size. */
  | { readonly kind: 'time'; readonly place: Place; readonly path: string }
  | { readonly kind: 'unexpected'; readonly place: Place; readonly path: string };

/** Whether it is something that the donor does not have, or has no longer. */
export function isUnexpected({ kind }: Difference): boolean {
  return kind === 'unexpected' || kind === 'unexpected directory';
}

/**
 * Holds what lies in the joiner's directories against the manifest. Binary logs are looked for under the donor's names,
 * so this comes before `adoptBinlogs`; a joiner that writes none is not asked for them.
 * @throws TransferError FILE_UNREADABLE, PATH_UNSAFE.
 */
export async function compareWithManifest(
  layout: Layout,
  manifest: Manifest,
  options: {
    readonly signal?: AbortSignal | undefined;
    /** Told of each file that was looked at. */
    readonly onEntry?: (() => void) | undefined;
    /** Told of what is no file where one could be, see `Visitor`; it is no difference. */
    readonly onOther?: (() => void) | undefined;
  } = {},
): Promise<Difference[]> {
  const differences: Difference[] = [];
  const expected = FileTable.of(manifest.files);
  const mayBeOther = mayDifferIn(manifest);
  const isFound = new Uint8Array(expected.length);
  const directories = new Set(manifest.directories);

  const check = (place: Place, path: string, found: Stats): void => {
    options.onEntry?.();
    const row = expected.rowOf({ place, path });
    const wanted = expected.find({ place, path });
    if (row === undefined || wanted === undefined) {
      differences.push({ kind: 'unexpected', place, path });
      return;
    }
    isFound[row] = 1;
    const difference = differenceOf(wanted, found);
    if (difference !== undefined && !mayBeOther(wanted)) differences.push(difference);
  };
  const directory = (path: string): void => {
    if (!directories.delete(path)) differences.push({ kind: 'unexpected directory', place: 'data', path });
  };
  await walkLayout(
    layout,
    {
      file: (place, path, stat) => check(place, path, stat),
      directory,
      other: () => options.onOther?.(),
    },
    { named: belongs, received: manifest.binlogs, signal: options.signal },
  );

  for (const path of directories) {
    // one that holds nothing but another place's files here is no schema to the walk
    if (statSync(join(layout.roots.data, path), { throwIfNoEntry: false })?.isDirectory() === true) continue;
    differences.push({ kind: 'missing directory', place: 'data', path });
  }
  // names that only the donor's layout has, like its innodb_buffer_pool_filename, and binary logs
  const notFound = function* (): Generator<FileName, void> {
    let row = 0;
    for (const file of expected) if (isFound[row++] !== 1) yield file;
  };
  const some = { ...manifest, files: expected };
  return [...differences, ...(await compareSome(layout, some, notFound(), options))];
}

/**
 * Holds files with some names only against the manifest.
 * @throws what a look at a file throws that is neither there nor missing (ENOTDIR, EACCES).
 */
export async function compareSome(
  layout: Layout,
  { files, writtenUnderLock }: Pick<Manifest, 'files' | 'writtenUnderLock'>,
  names: Iterable<FileName>,
  options: { readonly signal?: AbortSignal | undefined; readonly onEntry?: (() => void) | undefined } = {},
): Promise<Difference[]> {
  const expected = FileTable.of(files);
  const mayBeOther = mayDifferIn({ writtenUnderLock });
  const differences: Difference[] = [];
  const turn = pacer(options.signal);
  for (const { place, path } of names) {
    const pause = turn();
    if (pause !== undefined) await pause;
    options.onEntry?.();
    const root = rootOf(layout, place);
    if (root === undefined) continue;
    const stat = statSync(join(root, path), { throwIfNoEntry: false });
    const wanted = expected.find({ place, path });
    if (wanted === undefined) {
      if (stat !== undefined) differences.push({ kind: 'unexpected', place, path });
    } else if (stat?.isFile() !== true) differences.push({ kind: 'missing', place, path });
    else {
      const difference = differenceOf(wanted, stat);
      if (difference !== undefined && !mayBeOther(wanted)) differences.push(difference);
    }
  }
  return differences;
}

/**
 * Which files that are there need not look as the manifest says: those of the server's log tables that were written to while they were sent, and
 * no others, whatever a donor names.
 */
export function mayDifferIn({
  writtenUnderLock,
}: Pick<Manifest, 'writtenUnderLock'>): (file: FileName) => boolean {
  if (writtenUnderLock === undefined || writtenUnderLock.length === 0) return () => false;
  const written = new Set(writtenUnderLock);
  return (file) => isOfLogTable(file) && written.has(file.path);
}

function differenceOf(wanted: ManifestFile, found: Stats): Difference | undefined {
  const { place, path, size } = wanted;
  if (size !== found.size) return { kind: 'size', place, path, expected: size, found: found.size };
  return isOfAnotherTime(wanted, found) ? { kind: 'time', place, path } : undefined;
}

/** The redo log may be mapped into the donor's memory, and its time then changes when the kernel likes (MariaDB 10.11). */
function isOfAnotherTime({ place, mtimeMs }: ManifestFile, found: Stats): boolean {
  if (mtimeMs === undefined || place === 'innodb-log') return false;
  return Math.abs(found.mtimeMs - mtimeMs) > toleranceMs(found);
}

/** A millisecond holds a number of days with a third of a microsecond. Some file systems keep times in steps of 1 or 2 s. */
function toleranceMs({ mtimeMs }: Stats): number {
  return mtimeMs % 1000 === 0 ? 2000 : 0.001;
}
