import type { Stats } from 'node:fs';
import { readdirSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { binlogsForRecovery } from './binlog-checkpoint.js';
import { binlogsInIndex } from './binlogs.js';
import { isElasticType } from './elastic.js';
import { fileSystemTime, hasHostClock } from './file-system-time.js';
import { externalTableOf } from './external-tables.js';
import { travels } from './kinds.js';
import { FileTable, type FileList, type FileName } from './file-table.js';
import { rootOf, type Layout, type Place } from './layout.js';
import { readingCheck } from './readable.js';
import { walkLayout } from './walk.js';

export interface InventoryFile {
  readonly place: Place;
  /** Relative to the place's root, `/` separated. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970, with a resolution of about 0.3 µs. */
  readonly mtimeMs: number;
  /** When the file itself, its name or its attributes changed last. */
  readonly ctimeMs: number;
  /** What the file is, whatever it is called. */
  readonly dev: number;
  readonly ino: number;
  /** Bytes that the file takes up. */
  readonly allocated: number;
  /** SHA-256 of its contents, hexadecimal, for a joiner that wants to compare them. */
  readonly hash?: string | undefined;
}

/** What a donor has to send. */
export interface Inventory {
  /** When the first file was looked at, ms since 1970. */
  readonly takenMs: number;
  /** Binary logs come last, in the order of the index. */
  readonly files: FileList<InventoryFile>;
  /** Relative to the data directory, parents first; among them the empty schema directories. */
  readonly directories: readonly string[];
  /** The sum of all sizes. */
  readonly bytes: number;
  /** Tables with `DATA DIRECTORY`, as `schema.table`: their data is no part of `files`. */
  readonly external: readonly string[];
  /** What stands where a table's file is expected and cannot be sent, as `schema/name`: links that lead nowhere, sockets, pipes. */
  readonly notFiles: readonly string[];
  /** Devices on which `allocated` says nothing of the room that a copy needs. */
  readonly elasticDevices?: ReadonlySet<number> | undefined;
  /** Devices whose files may have times of another clock than that of `takenMs`: a file server's that was not asked. */
  readonly foreignClocks?: ReadonlySet<number> | undefined;
}

export interface InventoryOptions {
  /** How many of the newest binary logs travel, with those that a recovery from them needs: 0 none, negative all. */
  readonly maxBinlogs: number;
  readonly signal?: AbortSignal | undefined;
  /** A file of this process on the file system whose clock counts; default: this host's clock. */
  readonly clockFile?: string | undefined;
  /** A file's file system by its number in statfs(2); default: it is asked. */
  readonly fileSystemType?: ((path: string) => number) | undefined;
}

/**
 * Lists everything that makes a complete copy, symbolic links followed: a copying rsync needs `--copy-links`.
 * @throws TransferError FILE_UNREADABLE, PATH_UNSAFE.
 */
export async function takeInventory(layout: Layout, options: InventoryOptions): Promise<Inventory> {
  const takenMs = fileSystemTime(options.clockFile);
  const files = new FileTable<InventoryFile>();
  const directories: string[] = [];
  const external: string[] = [];
  const notFiles: string[] = [];
  const requireReadable = readingCheck();
  const devices = new Set<number>();
  const elasticDevices = new Set<number>();
  const foreignClocks = new Set<number>();
  // Without a file the data directory counts as if it had been asked: nothing is sent by such a look.
  const ownClock = statSync(options.clockFile ?? layout.roots.data, { throwIfNoEntry: false })?.dev;
  const noteDevice = (dev: number, path: string): void => {
    if (dev !== ownClock) foreignClocks.add(dev);
    try {
      const type = (options.fileSystemType ?? fileSystemType)(path);
      if (isElasticType(type)) elasticDevices.add(dev);
      if (hasHostClock(type)) foreignClocks.delete(dev);
      devices.add(dev);
    } catch {
      // It has vanished meanwhile; the next file on the device tells.
    }
  };
  let bytes = 0;
  const add = (place: Place, path: string, stat: Stats): void => {
    requireReadable(stat, () => join(rootOf(layout, place) ?? '', path));
    const { size, dev } = stat;
    if (!devices.has(dev)) noteDevice(dev, join(rootOf(layout, place) ?? '', path));
    const table = place === 'data' ? externalTableOf(path) : undefined;
    if (table !== undefined) external.push(table);
    files.add(asFound(place, path, stat));
    bytes += size;
  };
  await walkLayout(
    layout,
    {
      file: add,
      directory: (path) => directories.push(path),
      isListed: (path) => files.has({ place: 'data', path }),
      other: (path) => notFiles.push(path),
    },
    { named: travels, signal: options.signal, startsMs: takenMs },
  );
  for (const name of newestBinlogs(layout, options.maxBinlogs)) {
    const stat = statSync(join(layout.binlog?.dir ?? '', name), { throwIfNoEntry: false });
    if (stat?.isFile() === true) add('binlog', name, stat);
  }
  const elastic = elasticDevices.size === 0 ? {} : { elasticDevices };
  return { takenMs, files, directories, bytes, external, notFiles, foreignClocks, ...elastic };
}

function fileSystemType(path: string): number {
  return statfsSync(path).type;
}

function asFound(
  place: Place,
  path: string,
  { size, mtimeMs, ctimeMs, dev, ino, blocks }: Stats,
): InventoryFile {
  return { place, path, size, mtimeMs, ctimeMs, dev, ino, allocated: blocks * 512 };
}

/** What lies under a file's name now; undefined where nothing does, or it cannot be told. */
export function lookAgain(layout: Layout, { place, path }: FileName): InventoryFile | undefined {
  try {
    return asFound(place, path, statSync(join(rootOf(layout, place) ?? '', path)));
  } catch {
    return undefined;
  }
}

/** All names in a directory below the data directory now; none where there is none, or it cannot be told. */
export function namesInDirectory({ roots }: Layout, directory: string): readonly string[] {
  try {
    return readdirSync(join(roots.data, directory));
  } catch {
    return [];
  }
}

function newestBinlogs(layout: Layout, maxBinlogs: number): readonly string[] {
  if (maxBinlogs === 0) return [];
  const names = binlogsInIndex(layout);
  return maxBinlogs < 0 ? names : binlogsForRecovery(layout.binlog?.dir ?? '', names, maxBinlogs);
}

/** The sum of all sizes, bytes. */
export function totalSize(files: Iterable<Pick<InventoryFile, 'size'>>): number {
  let bytes = 0;
  for (const { size } of files) bytes += size;
  return bytes;
}

/**
 * Whether clearly less room is allocated than the size says (holes, page compression). File systems allocate in steps and
 * may inline or delay; a hole worth caring about is at least 64 KiB.
 */
export function isSparse({ size, allocated }: Pick<InventoryFile, 'size' | 'allocated'>): boolean {
  return size - allocated >= 65_536;
}
