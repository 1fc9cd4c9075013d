import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { DirectorySettings, ServerFile } from '../config/directories.js';
import type { Sourced } from '../config/source.js';
import { placeOf } from '../config/source.js';
import { TransferError } from '../errors.js';

/** The kinds of places that a server keeps its files in; each may have a directory of its own. */
export type Place = 'data' | 'innodb-home' | 'innodb-log' | 'undo' | 'aria' | 'binlog';

/** Every place, in the order in which inventories list them. */
export const places: readonly Place[] = ['data', 'innodb-home', 'innodb-log', 'undo', 'aria', 'binlog'];

/** Where the server writes its binary log. */
export interface BinlogLayout {
  /** Absolute. */
  readonly dir: string;
  /** `mysql-bin`: the files are `mysql-bin.000001` and so on. */
  readonly base: string;
  /** The index file, absolute. */
  readonly index: string;
}

/** Where one server keeps its files. Donor and joiner each have their own. */
export interface Layout {
  /** Absolute and normalised; several places may share a directory, or lie inside each other. */
  readonly roots: Readonly<Record<Exclude<Place, 'binlog'>, string>>;
  /**
   * The files of the system tablespace, relative to `roots['innodb-home']`: `['ibdata*']` when
   * `innodb_data_file_path` is not set (`*` only ever ends a name), otherwise the names in its order.
   */
  readonly innodbFiles: readonly string[];
  /** The saved list of the buffer pool's pages, relative to `roots['innodb-home']`. */
  readonly bufferPoolFile: string;
  /** Absent when the server writes no binary log. */
  readonly binlog?: BinlogLayout | undefined;
  /** What the server keeps for itself, with absolute paths. */
  readonly serverFiles?: readonly ServerFile[] | undefined;
}

/**
 * Resolves the settings the way mariadbd does (10.11, 11.8): relative directories are relative to the data directory.
 *
 * `hostname` names the binary log when `log_bin` has no value and there is no `log_basename`. (The server takes
 * the base name of its pid file then, which is the host name unless `pid_file` is set; but it always tells its SST
 * scripts the resulting name, so that this default only serves `plan` and `check`.)
 * @throws TransferError OPTION_INVALID for a raw device in `innodb_data_file_path`.
 */
export function resolveLayout(settings: DirectorySettings, hostname: string): Layout {
  const data = resolve(settings.dataDir.value);
  const within = (setting: Sourced<string> | undefined): string =>
    setting === undefined || setting.value === '' ? data : resolve(data, setting.value);
  const tablespace = resolveTablespace(within(settings.innodbDataHomeDir), settings.innodbDataFilePath);
  return {
    roots: {
      data,
      'innodb-home': tablespace.root,
      'innodb-log': within(settings.innodbLogGroupHomeDir),
      undo: within(settings.innodbUndoDirectory),
      aria: within(settings.ariaLogDirPath),
    },
    innodbFiles: tablespace.files,
    bufferPoolFile: settings.innodbBufferPoolFilename?.value ?? 'ib_buffer_pool',
    serverFiles: settings.serverFiles?.map(({ kind, path }) => ({ kind, path: resolve(data, path) })),
    binlog:
      settings.logBin === undefined
        ? undefined
        : resolveBinlog(data, settings.logBin.value, settings, hostname),
  };
}

/** The directory of a place; undefined for the binary log of a server that writes none. */
export function rootOf(layout: Layout, place: Place): string | undefined {
  return place === 'binlog' ? layout.binlog?.dir : layout.roots[place];
}

/**
 * With an empty `innodb_data_home_dir` the files have absolute paths, in any directory: the place's root is then
 * the directory that holds them all, so that a path relative to it always names a file.
 */
function resolveTablespace(
  home: string,
  filePath: Sourced<string> | undefined,
): { root: string; files: readonly string[] } {
  if (filePath === undefined || filePath.value === '') return { root: home, files: ['ibdata*'] };
  const files = tablespaceFiles(filePath).map((name) => resolve(home, name));
  const root = files.every((file) => isInside(home, file))
    ? home
    : files.map((file) => dirname(file)).reduce(commonDirectory);
  return { root, files: files.map((file) => relative(root, file)) };
}

/** `ibdata1:12M;/disk2/ibdata2:1G:autoextend` → the names. A colon ends a name unless `\`, `/` or `:` follows. */
function tablespaceFiles(setting: Sourced<string>): string[] {
  return setting.value.split(';').map((part) => {
    const [, name = '', size = ''] = /^((?:[^:]|:(?=[\\/:]))*)(?::(.*))?$/s.exec(part.trim()) ?? [];
    if (name === '' || /raw$/.test(size)) {
      throw new TransferError(
        'OPTION_INVALID',
        `expected name:size of a file in innodb_data_file_path, got ${JSON.stringify(part)}`,
        {
          option: 'innodb_data_file_path',
          where: placeOf(setting.source),
          hint: 'raw devices cannot be copied by rsync: use a file or another wsrep_sst_method; my_print_defaults mysqld shows what is set',
        },
      );
    }
    return name;
  });
}

/**
 * The server cuts the name at the first dot after the last slash (`dir.x/foo.bar.1` → `dir.x/foo`); the
 * index gets `.index` only when its name has no extension (measured with 10.11.19).
 */
function resolveBinlog(
  data: string,
  logBin: string,
  settings: DirectorySettings,
  hostname: string,
): BinlogLayout {
  const given = logBin.trim() === '' ? `${settings.logBasename?.value ?? hostname}-bin` : logBin.trim();
  const base = withoutExtension(basename(given));
  const dir = resolve(data, dirname(given));
  const index = settings.logBinIndex?.value.trim() ?? '';
  if (index === '') return { dir, base, index: join(dir, `${base}.index`) };
  const hasExtension = withoutExtension(basename(index)) !== basename(index);
  return { dir, base, index: resolve(data, hasExtension ? index : `${index}.index`) };
}

function withoutExtension(name: string): string {
  const dot = name.indexOf('.');
  return dot === -1 ? name : name.slice(0, dot);
}

/** Whether `path` is `directory` itself or lies below it; both absolute and normalised. */
export function isInside(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way !== '..' && !way.startsWith('../') && !isAbsolute(way);
}

function commonDirectory(one: string, other: string): string {
  let directory = one;
  while (!isInside(directory, other)) directory = dirname(directory);
  return directory;
}
