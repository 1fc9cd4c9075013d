import type { Dirent, Stats } from 'node:fs';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { TransferError } from '../errors.js';
import type { Claim, NamedPlace } from './kinds.js';
import {
  claimedDirectories,
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
}

export interface WalkOptions {
  /** Says which names in the root of a place other than `data` are visited. */
  readonly named: (layout: Layout, place: NamedPlace, name: string) => boolean;
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
  await walkData(layout.roots.data, claimedDirectories(layout), visitor, turn);
  for (const place of namedPlaces) visitNamed(layout, place, visitor, options);
}

interface Step {
  readonly path: string;
  readonly above: Ancestor | undefined;
}

interface Ancestor {
  readonly identity: string;
  readonly above: Ancestor | undefined;
}

async function walkData(
  root: string,
  claims: ReadonlyMap<string, Claim>,
  visitor: Visitor,
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
    const here: Ancestor = { identity, above };
    const directories: Step[] = [];
    // a directory that only exists for another place's files would show up as a database on the joiner
    let announced = path === '' || claimed === undefined;
    if (path !== '' && announced) visitor.directory(path);
    const announce = (): void => {
      if (!announced) visitor.directory(path);
      announced = true;
    };

    for (const entry of entriesOf(full)) {
      const { name } = entry;
      const pause = turn();
      if (pause !== undefined) await pause;
      const isDirectory = entry.isDirectory();
      if (!isDirectory && !entry.isFile() && !entry.isSymbolicLink()) continue;
      if (foreignDirectories.has(name)) continue;
      if (path === '' && entry.isFile()) continue;
      const below = path === '' ? name : `${path}/${name}`;
      if (isDirectory) {
        announce();
        directories.push({ path: below, above: here });
        continue;
      }
      if (isOwnToNode(name) || claimed?.(name) === true) continue;
      const target = statOf(`${root}/${below}`);
      if (target === undefined) continue;
      if (target.isDirectory()) {
        announce();
        directories.push({ path: below, above: here });
      } else if (target.isFile() && path !== '') {
        announce();
        visitor.file('data', below, target);
      }
    }
    pending.push(...directories.reverse());
  }
}

function isAbove(identity: string, ancestor: Ancestor | undefined): boolean {
  for (let one = ancestor; one !== undefined; one = one.above) if (one.identity === identity) return true;
  return false;
}

function visitNamed(layout: Layout, place: NamedPlace, visitor: Visitor, options: WalkOptions): void {
  const root = rootOf(layout, place);
  if (root === undefined || place === 'binlog') return;
  const listed = entriesOf(root)
    .map((entry) => entry.name)
    .filter((name) => options.named(layout, place, name));
  const nested = place === 'innodb-home' ? systemFiles(layout).filter((name) => name.includes('/')) : [];
  for (const path of [...listed, ...nested]) {
    const stat = statOf(join(root, path));
    if (stat?.isFile() === true) visitor.file(place, path, stat);
  }
}

function entriesOf(directory: string): Dirent[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(directory, { withFileTypes: true });
  } catch (cause) {
    if (hasVanished(cause)) return [];
    throw unreadable(directory, cause);
  }
  // The server writes file names in ASCII (@002d for a dash); other bytes would come out garbled from here on.
  if (entries.some((entry) => entry.name.includes('\ufffd'))) {
    throw new TransferError('PATH_UNSAFE', `expected file names in UTF-8, got another one in ${directory}`);
  }
  return entries;
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
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
