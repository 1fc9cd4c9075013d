import type { Dirent } from 'node:fs';
import { readdirSync, rmSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errnoOf, writing } from '../errors.js';
import { makeDirectory } from '../make-directory.js';
import { FileTable, type FileName } from './file-table.js';
import type { Claim } from './kinds.js';
import {
  belongs,
  claimedDirectories,
  everything,
  foreignDirectories,
  identityOf,
  isOwnToNode,
  namedPlaces,
} from './kinds.js';
import type { Layout } from './layout.js';
import { places, rootOf } from './layout.js';
import type { Manifest } from './manifest.js';
import { pacer } from './pace.js';

/**
 * Creates what the donor has and the joiner lacks: the roots of its places and the directories below the data directory.
 * @throws TransferError DIRECTORY_NOT_WRITABLE, DISK_FULL, FILE_EXISTS.
 */
export function prepareDirectories(layout: Layout, manifest: Pick<Manifest, 'directories'>): void {
  const roots = places.map((place) => rootOf(layout, place)).filter((root) => root !== undefined);
  const index = layout.binlog === undefined ? [] : [dirname(layout.binlog.index)];
  for (const directory of [
    ...roots,
    ...index,
    ...manifest.directories.map((path) => join(layout.roots.data, path)),
  ]) {
    // as the server creates its own
    writing(directory, () => makeDirectory(directory, 0o700), {
      otherwise: 'FILE_EXISTS',
    });
  }
}

/** What is listed, in the forms that the removal asks for. */
interface Listed {
  readonly files: { has(file: FileName): boolean };
  /** Relative to the data directory. */
  readonly directories: ReadonlySet<string>;
  /** Absolute: the files of places other than `data`. */
  readonly namedFiles: ReadonlySet<string>;
}

interface Removal {
  readonly root: string;
  readonly listed: Listed;
  readonly claims: ReadonlyMap<string, Claim>;
  readonly turn: () => Promise<void> | undefined;
  removed: number;
}

/**
 * Removes what the donor does not have, among the kinds of files that a transfer covers: schema directories with their contents,
 * system tablespace, redo and undo logs, Aria logs, binary logs of this server's name or received. Files at the top of the data directory, another place's files in a directory
 * inside it and the files of the node itself stay. Links are removed, not followed, with one exception: a schema directory that
 * the donor has too may be a link to another disk here, and loses its unlisted files (no directories) like any other.
 */
export async function removeUnlisted(
  layout: Layout,
  manifest: Manifest,
  options: {
    readonly signal?: AbortSignal | undefined;
    /** The donor's binary logs that may have come in this transfer or the last one. */
    readonly received?: readonly string[] | undefined;
    /** Told of each file and directory that was looked at. */
    readonly onEntry?: (() => void) | undefined;
  } = {},
): Promise<{ removed: number }> {
  const turn = pacer(options.signal);
  const files = FileTable.of(manifest.files);
  const named = files.filter(({ place }) => place !== 'data');
  const removal: Removal = {
    root: layout.roots.data,
    listed: {
      files,
      directories: new Set(manifest.directories),
      namedFiles: new Set(Array.from(named, ({ place, path }) => join(rootOf(layout, place) ?? '', path))),
    },
    claims: claimedDirectories(layout, manifest.binlogs),
    turn: () => {
      options.onEntry?.();
      return turn();
    },
    removed: 0,
  };
  removeNamed(layout, removal);
  removal.removed += removeUnlistedBinlogs(layout, manifest.binlogs, options.received ?? []);
  for (const entry of entriesOf(removal.root)) {
    if (foreignDirectories.has(entry.name)) continue;
    if (entry.isDirectory()) await removeDirectory(removal, entry.name);
    else if (entry.isSymbolicLink()) await removeBehindLink(removal, entry.name);
  }
  return { removed: removal.removed };
}

function removeNamed(layout: Layout, removal: Removal): void {
  for (const place of namedPlaces) {
    const root = rootOf(layout, place);
    if (root === undefined || place === 'binlog') continue;
    for (const entry of entriesOf(root)) {
      const file = join(root, entry.name);
      if (entry.isDirectory() || removal.listed.namedFiles.has(file)) continue;
      if (belongs(layout, place, entry.name)) removeFile(removal, file);
    }
  }
}

/**
 * The donor's binary logs are sent before its lock, too, and may have been purged since, or are no longer among the newest. None that is
 * not in the index may stay: the server takes the numbers after the highest one that it finds, and purges only what its index names.
 * Others of the donor's name may be another server's with which this one shares the directory. Gives how many were removed.
 */
export function removeUnlistedBinlogs(
  layout: Layout,
  listed: readonly string[],
  received: readonly string[],
): number {
  const { binlog } = layout;
  if (binlog === undefined) return 0;
  const kept = new Set(listed);
  const bases = new Set(listed.map(withoutNumber));
  const sent = new Set(received);
  let removed = 0;
  for (const entry of entriesOf(binlog.dir)) {
    // A server from 11.4 on has an index of GTIDs beside each.
    const log = entry.name.replace(/\.idx$/, '');
    if (!entry.isFile() || !/\.[0-9]+$/.test(log) || kept.has(log)) continue;
    const isOwn = bases.has(withoutNumber(log)) && belongs(layout, 'binlog', entry.name);
    if (!isOwn && !sent.has(log)) continue;
    rmSync(join(binlog.dir, entry.name), { force: true });
    removed += 1;
  }
  return removed;
}

function withoutNumber(log: string): string {
  return log.replace(/\.[0-9]+$/, '');
}

async function removeDirectory(removal: Removal, path: string): Promise<void> {
  await removeContents(removal, path, { descend: true });
  const full = join(removal.root, path);
  if (removal.listed.directories.has(path) || isClaimed(removal, full)) return;
  try {
    rmdirSync(full);
    removal.removed += 1;
  } catch (cause) {
    // something in it is to be kept, or it is a mount point
    if (!['ENOTEMPTY', 'EEXIST', 'EBUSY', 'ENOENT'].includes(errnoOf(cause) ?? '')) throw cause;
  }
}

async function removeContents(
  removal: Removal,
  path: string,
  { descend }: { descend: boolean },
): Promise<void> {
  const full = join(removal.root, path);
  const claim = claimOn(removal, full);
  if (claim === everything) return;
  for (const entry of entriesOf(full)) {
    const pause = removal.turn();
    if (pause !== undefined) await pause;
    const { name } = entry;
    const below = `${path}/${name}`;
    if (entry.isDirectory()) {
      if (descend && !foreignDirectories.has(name)) await removeDirectory(removal, below);
    } else if (!isOwnToNode(name) && claim?.(name) !== true && !isListed(removal.listed, below)) {
      if (!isClaimed(removal, join(full, name))) removeFile(removal, join(full, name));
    }
  }
}

/** A link at the top of the data directory; links to files there are no part of any schema. */
async function removeBehindLink(removal: Removal, path: string): Promise<void> {
  const full = join(removal.root, path);
  const target = statSync(full, { throwIfNoEntry: false });
  if (target?.isDirectory() !== true || isClaimed(removal, full)) return;
  if (removal.listed.directories.has(path)) await removeContents(removal, path, { descend: false });
  else if (!entriesOf(full).some(({ name }) => isOwnToNode(name))) removeFile(removal, full);
}

function isListed(listed: Listed, path: string): boolean {
  return listed.files.has({ place: 'data', path }) || listed.directories.has(path);
}

function claimOn(removal: Removal, directory: string): Claim | undefined {
  const stat = statSync(directory, { throwIfNoEntry: false });
  return stat === undefined ? undefined : removal.claims.get(identityOf(stat));
}

function isClaimed(removal: Removal, path: string): boolean {
  return claimOn(removal, path) !== undefined;
}

function removeFile(removal: Removal, path: string): void {
  // of a link, rm removes the link
  rmSync(path, { force: true });
  removal.removed += 1;
}

function entriesOf(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return [];
    throw cause;
  }
}
