import type { Dirent, Stats } from 'node:fs';
import { lstatSync, opendirSync, statSync, type Dir } from 'node:fs';
import { join } from 'node:path';
import { TransferError } from '../errors.js';
import type { Claim, NamedPlace } from './kinds.js';
import {
  claimedDirectories,
  everything,
  foreignDirectories,
  identityOf,
  isOwnToNode,
  namedPlaces,
  systemFiles,
} from './kinds.js';
import type { Layout, Place } from './layout.js';
import { rootOf } from './layout.js';
import { pacer } from './pace.js';

/** What a walk reports; paths are relative to the place's root. */
export interface Visitor {
  /** A regular file, links followed. */
  file(place: Place, path: string, stat: Stats): void;
  /** A directory below the data directory, parents before children. */
  directory(path: string): void;
  /**
   * Whether a file of the data directory was reported already; asked only of those that were made since the walk began. Without it such
   * a one may be reported twice.
   */
  isListed?(path: string): boolean;
  /** What stands where a file is expected and is none: a link that leads nowhere, a socket, a pipe, a device. */
  other?(path: string): void;
}

export interface WalkOptions {
  /** Says which names in the root of a place other than `data` are visited. */
  readonly named: (layout: Layout, place: NamedPlace, name: string) => boolean;
  /** A donor's binary logs, see `claimedDirectories`. */
  readonly received?: readonly string[] | undefined;
  /** When the walk begins, by the file system's clock. */
  readonly startsMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Visits every file that a copy consists of, except binary logs. Links to files and directories are followed, as
 * administrators put schemas on other disks that way; a link back to a directory above it is left out. Files that vanish
 * meanwhile are left out: the server is running.
 * @throws TransferError FILE_UNREADABLE, PATH_UNSAFE for a name that is not UTF-8.
 */
export async function walkLayout(layout: Layout, visitor: Visitor, options: WalkOptions): Promise<void> {
  const turn = pacer(options.signal);
  await walkData(layout.roots.data, claimedDirectories(layout, options.received), visitor, options, turn);
  for (const place of namedPlaces) visitNamed(layout, place, visitor, options);
}

/** How far the clock of a file system's times may lie behind the one that was asked, in ms. */
const clockMarginMs = 5000;

interface Step {
  readonly path: string;
  readonly above: Ancestor | undefined;
}

interface Ancestor {
  readonly identity: string;
  readonly above: Ancestor | undefined;
  /** Reports the directory, and before it those above it, unless that has been done. */
  readonly announce: () => void;
}

async function walkData(
  root: string,
  claims: ReadonlyMap<string, Claim>,
  visitor: Visitor,
  { startsMs = 0 }: Pick<WalkOptions, 'startsMs'>,
  turn: () => Promise<void> | undefined,
): Promise<void> {
  const pending: Step[] = [{ path: '', above: undefined }];
  for (let step = pending.pop(); step !== undefined; step = pending.pop()) {
    const { path, above } = step;
    const full = path === '' ? root : `${root}/${path}`;
    const stat = statOf(full);
    if (stat === undefined) continue;
    const identity = identityOf(stat);
    if (isAbove(identity, above)) continue;
    const claimed = claims.get(identity);
    if (claimed === everything) continue;
    const announce = once(() => {
      above?.announce();
      if (path !== '') visitor.directory(path);
    });
    const directories: Step[] = [];
    // A name that is made anew while its directory is read may come twice (XFS, Linux 6.18); the first time it may be gone again. Of
    // very many files the names are not kept for that: which of them were made meanwhile, they tell themselves.
    const reported = new Set<string>();
    // One that is empty but for another place's files or Galera's cache would show up as a database on the joiner.
    let isOfAnother = claimed !== undefined;
    for (const entry of entriesOf(full)) {
      const { name } = entry;
      isOfAnother ||= isOwnToNode(name);
      const pause = turn();
      if (pause !== undefined) await pause;
      if (foreignDirectories.has(name) || reported.has(name)) continue;
      // Files and the like at the top of the data directory are no part of any schema: the server has its socket there.
      if (path === '' && !entry.isDirectory() && !entry.isSymbolicLink()) continue;
      const below = path === '' ? name : `${path}/${name}`;
      if (entry.isDirectory()) {
        reported.add(name);
        directories.push({ path: below, above: { identity, above, announce } });
        continue;
      }
      if (isOwnToNode(name) || claimed?.(name) === true) continue;
      const target = statOf(`${root}/${below}`);
      if (target?.isDirectory() === true) {
        reported.add(name);
        directories.push({ path: below, above: { identity, above, announce } });
        continue;
      }
      if (target?.isFile() !== true) {
        // A link at the top that leads nowhere is a schema whose disk is not mounted; one to a socket is none.
        if ((path !== '' || target === undefined) && isThere(target, `${root}/${below}`)) {
          reported.add(name);
          visitor.other?.(below);
        }
        continue;
      }
      if (path === '') continue;
      if (target.birthtimeMs >= startsMs - clockMarginMs && visitor.isListed?.(below) === true) continue;
      announce();
      visitor.file('data', below, target);
    }
    if (directories.length === 0 && !isOfAnother) announce();
    // Not all as arguments: there may be more of them than the stack holds.
    for (const directory of directories.reverse()) pending.push(directory);
  }
}

function once(action: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) action();
    isDone = true;
  };
}

function isAbove(identity: string, ancestor: Ancestor | undefined): boolean {
  for (let one = ancestor; one !== undefined; one = one.above) if (one.identity === identity) return true;
  return false;
}

function visitNamed(layout: Layout, place: NamedPlace, visitor: Visitor, options: WalkOptions): void {
  const root = rootOf(layout, place);
  if (root === undefined || place === 'binlog') return;
  const listed = Array.from(entriesOf(root), ({ name }) => name).filter((name) =>
    options.named(layout, place, name),
  );
  const nested = place === 'innodb-home' ? systemFiles(layout).filter((name) => name.includes('/')) : [];
  // A name may come twice here, too.
  for (const path of new Set([...listed, ...nested])) {
    const stat = statOf(join(root, path));
    if (stat?.isFile() === true) visitor.file(place, path, stat);
    else if (stat?.isDirectory() !== true && isThere(stat, join(root, path))) visitor.other?.(path);
  }
}

/** A link that leads nowhere has no target, and neither has a file that has vanished. */
function isThere(target: Stats | undefined, path: string): boolean {
  return target !== undefined || lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

const entriesAtOnce = 1000;

/** One after the other: a schema may have a hundred thousand of them. */
function* entriesOf(path: string): Generator<Dirent, void> {
  const directory = orVanished(path, () => opendirSync(path, { bufferSize: entriesAtOnce }));
  if (directory === undefined) return;
  try {
    const next = (of: Dir): Dirent | null | undefined => orVanished(path, () => of.readSync());
    for (let entry = next(directory); entry != null; entry = next(directory)) {
      // The server writes file names in ASCII (@002d for a dash); other bytes would come out garbled from here on.
      if (entry.name.includes('\ufffd'))
        throw new TransferError('PATH_UNSAFE', `expected file names in UTF-8, got another one in ${path}`);
      yield entry;
    }
  } finally {
    directory.closeSync();
  }
}

function statOf(path: string): Stats | undefined {
  return orVanished(path, () => statSync(path, { throwIfNoEntry: false }));
}

function orVanished<T>(path: string, look: () => T): T | undefined {
  try {
    return look();
  } catch (cause) {
    if (hasVanished(cause)) return undefined;
    throw unreadable(path, cause);
  }
}

/** ELOOP: a link to itself; it can never be opened, so it is as good as absent. */
function hasVanished(cause: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP'].includes((cause as NodeJS.ErrnoException).code ?? '');
}

function unreadable(path: string, cause: unknown): TransferError {
  const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
  return new TransferError(
    'FILE_UNREADABLE',
    `expected a readable file or directory, got ${reason} for ${path}`,
    { cause },
  );
}
