import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { FileName } from './file-table.js';
import type { Layout, Place } from './layout.js';
import { isInside, rootOf } from './layout.js';
import { realPath } from './real-path.js';

/** Places whose files are known by their names, as opposed to `data`, which is whole directories. */
export type NamedPlace = Exclude<Place, 'data'>;

export const namedPlaces: readonly NamedPlace[] = ['innodb-home', 'innodb-log', 'undo', 'aria', 'binlog'];

/** Directories that belong to the file system, not to the server; not entered at any depth. */
export const foreignDirectories: ReadonlySet<string> = new Set([
  'lost+found',
  '.zfs',
  '.snapshot',
  '.fseventsd',
  '.Trashes',
]);

/**
 * Files of the node itself that must neither travel nor be removed, wherever they lie: `gcache.dir` may be a
 * directory inside the data directory, and Galera has its cache mapped while an SST runs. No table file has such a
 * name: the server writes a dot in a table's name as `@002e`.
 */
export function isOwnToNode(name: string): boolean {
  return /^(?:galera\.cache|gcache\.page\..*|grastate\.dat|gvwstate\.dat)$/.test(name);
}

/**
 * Files of the server's log tables (`log_output=TABLE`), by what engines they may have: the server writes to them under its global read lock,
 * too (10.11.19), of everything that its clients read.
 */
export const logTableFiles: readonly FileName[] = ['general_log', 'slow_log'].flatMap((table) =>
  ['CSV', 'CSM', 'MYD', 'MYI', 'MAD', 'MAI'].map(
    (ending) => ({ place: 'data', path: `mysql/${table}.${ending}` }) as const,
  ),
);

const logTablePaths: ReadonlySet<string> = new Set(logTableFiles.map(({ path }) => path));

/** Whether it is one of {@link logTableFiles}. */
export function isOfLogTable({ place, path }: FileName): boolean {
  return place === 'data' && logTablePaths.has(path);
}

/** Whether a file of this name in the place's root is sent by a donor. Binary logs are chosen by the index instead. */
export function travels(layout: Layout, place: NamedPlace, name: string): boolean {
  switch (place) {
    case 'innodb-home':
      return systemFiles(layout).some((pattern) => matches(pattern, name));
    case 'innodb-log':
      // since 10.5 there is one redo log file; ib_logfile101 is one being built
      return name === 'ib_logfile0';
    case 'undo':
      return name.startsWith('undo');
    case 'aria':
      return name === 'aria_log_control' || name.startsWith('aria_log.');
    case 'binlog':
      return false;
  }
}

/**
 * Whether a file of this name in the place's root belongs to the place: what travels, and leftovers of the same kind
 * that a joiner must lose (`ib_logfile1` of an older server, `ibdata2` of another `innodb_data_file_path`).
 */
export function belongs(layout: Layout, place: NamedPlace, name: string): boolean {
  switch (place) {
    case 'innodb-home':
      return name.startsWith('ibdata') || travels(layout, place, name);
    case 'innodb-log':
      return /^ib_logfile[0-9]/.test(name);
    case 'undo':
    case 'aria':
      return travels(layout, place, name);
    case 'binlog':
      return isBinlogFile(layout, name);
  }
}

function isBinlogFile(layout: Layout, name: string): boolean {
  const binlog = layout.binlog;
  if (binlog === undefined) return false;
  if (binlog.dir === dirname(binlog.index) && name === basename(binlog.index)) return true;
  if (!name.startsWith(`${binlog.base}.`)) return false;
  // .idx: index of GTIDs beside each binary log, since 11.4; .state: written at shutdown
  return /^(?:[0-9]+(?:\.idx)?|state|index)$/.test(name.slice(binlog.base.length + 1));
}

/** The names and patterns of `innodb-home`, relative to its root, some with directories in them. */
export function systemFiles(layout: Layout): readonly string[] {
  return [...layout.innodbFiles, layout.bufferPoolFile, 'ib_lru_dump'];
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/** Tells a directory by what it is, whatever way leads to it. */
export function identityOf(stat: { readonly dev: number; readonly ino: number }): string {
  return `${stat.dev}:${stat.ino}`;
}

/** Says of a file name whether it belongs to another place than the directory it is found in. */
export type Claim = (name: string) => boolean;

/** The claim on a directory of which nothing, sub directories included, is part of a copy. */
export const everything: Claim = () => true;

/**
 * The directories that a place other than `data` lives in, by identity, with what it claims there: they may lie
 * inside the data directory, where a walk over the data must leave these files, and only these, alone.
 * `received` are the names of a donor's binary logs, which lie among the joiner's until it adopts them.
 */
export function claimedDirectories(
  layout: Layout,
  received: readonly string[] = [],
): ReadonlyMap<string, Claim> {
  const claims = new Map<string, Claim[]>();
  const claim = (directory: string, what: Claim): void => {
    const stat = statSync(directory, { throwIfNoEntry: false });
    if (stat === undefined) return;
    const key = identityOf(stat);
    claims.set(key, [...(claims.get(key) ?? []), what]);
  };
  for (const place of namedPlaces) {
    const root = rootOf(layout, place);
    if (root !== undefined) claim(root, (name) => belongs(layout, place, name));
  }
  if (layout.binlog !== undefined) {
    const index = basename(layout.binlog.index);
    claim(dirname(layout.binlog.index), (name) => name === index);
    claim(layout.binlog.dir, (name) => received.includes(name));
  }
  for (const file of systemFiles(layout).filter((name) => name.includes('/'))) {
    claim(dirname(join(layout.roots['innodb-home'], file)), (name) => name === basename(file));
  }
  for (const { kind, path } of layout.serverFiles ?? []) {
    if (kind !== 'directory') {
      // One that is named by a link is kept by both of its names.
      for (const one of new Set([path, realPath(path)]))
        claim(dirname(one), isFileOrOlder(kind, basename(one)));
    } else if (!holdsPlace(layout, path)) claim(path, everything);
  }
  return new Map(
    [...claims].map(([key, all]) => [
      key,
      all.includes(everything) ? everything : (name) => all.some((one) => one(name)),
    ]),
  );
}

/** The server adds `.err` to a log without an extension; those that rotate it add a number or a date to its name. */
function isFileOrOlder(kind: 'file' | 'log', base: string): Claim {
  if (kind === 'file') return (name) => name === base;
  return (name) => name === base || name.startsWith(`${base}.`) || name.startsWith(`${base}-`);
}

/** A directory that is, or holds, one that a copy is made of cannot be left out as a whole. */
function holdsPlace(layout: Layout, directory: string): boolean {
  return [...Object.values(layout.roots), ...(layout.binlog === undefined ? [] : [layout.binlog.dir])].some(
    (root) => isInside(directory, root),
  );
}
