import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DirectorySettings } from '../config/directories.js';
import { placeOf, type Sourced } from '../config/source.js';
import { errnoOf, type Finding } from '../errors.js';
import type { Layout, Place } from './layout.js';
import { places, rootOf } from './layout.js';

/** A donor reads its directories; a joiner writes them, and creates those that are missing besides the data directory. */
export type DirectoryUse = 'read' | 'write';

const settingOf = {
  data: ['datadir', 'dataDir'],
  'innodb-home': ['innodb_data_home_dir', 'innodbDataHomeDir'],
  'innodb-log': ['innodb_log_group_home_dir', 'innodbLogGroupHomeDir'],
  undo: ['innodb_undo_directory', 'innodbUndoDirectory'],
  aria: ['aria_log_dir_path', 'ariaLogDirPath'],
  binlog: ['log_bin', 'logBin'],
} as const satisfies Record<Place, readonly [string, keyof DirectorySettings]>;

/**
 * Whether every directory of the layout is there and can be used; a directory that several places share is reported once.
 * A joiner writes its binary logs' index too, which may have a directory of its own.
 */
export function checkDirectories(layout: Layout, settings: DirectorySettings, use: DirectoryUse): Finding[] {
  const seen = new Set<string>();
  const indexDirectory = use === 'write' ? layout.binlog && dirname(layout.binlog.index) : undefined;
  const checked = [
    ...places.map((place) => ({ root: rootOf(layout, place), blame: settingBehind(place, settings), place })),
    { root: indexDirectory, blame: blameOf('log_bin_index', settings.logBinIndex), place: 'index' },
  ];
  return checked.flatMap(({ root, blame, place }): Finding[] => {
    if (root === undefined || seen.has(root)) return [];
    seen.add(root);
    const problem = problemOf(root, use, place !== 'data');
    if (problem === undefined) return [];
    return [{ severity: 'error', ...problem, ...blame }];
  });
}

/** The option that decides where a place is, and where it was set: for findings about its directory. */
export function settingBehind(
  place: Place,
  settings: DirectorySettings,
): { readonly option: string; readonly where: string | undefined } {
  const [option, key] = settingOf[place];
  return blameOf(option, settings[key]);
}

/** An option, and where it was set: for findings about what it names. */
export function blameOf(
  option: string,
  setting: Sourced<string> | undefined,
): { readonly option: string; readonly where: string | undefined } {
  return { option, where: setting === undefined ? undefined : placeOf(setting.source) };
}

function problemOf(
  path: string,
  use: DirectoryUse,
  mayBeCreated: boolean,
): Pick<Finding, 'code' | 'message' | 'hint'> | undefined {
  let stat;
  try {
    stat = statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    const reason = errnoOf(cause) ?? String(cause);
    if (reason !== 'EACCES')
      return { code: 'DIRECTORY_MISSING', message: `expected the directory ${path}, got ${reason}` };
    const closed = closedAbove(path);
    return {
      code: use === 'read' ? 'FILE_UNREADABLE' : 'DIRECTORY_NOT_WRITABLE',
      message: `cannot reach ${path}: this user may not enter ${closed}`,
      hint: `let the user that the server runs as enter ${closed} (chmod o+x, or another group), or name another directory`,
    };
  }
  if (stat === undefined && use === 'write' && mayBeCreated)
    return problemOf(dirname(path), use, mayBeCreated);
  if (stat === undefined)
    return { code: 'DIRECTORY_MISSING', message: `expected the directory ${path}, got nothing there` };
  if (!stat.isDirectory())
    return {
      code: 'DIRECTORY_MISSING',
      message: `expected a directory, got a file at ${path}`,
      hint: 'name a directory in this option, or move the file away; ls -ld shows what it is',
    };
  const needed =
    use === 'write' ? constants.R_OK | constants.W_OK | constants.X_OK : constants.R_OK | constants.X_OK;
  try {
    accessSync(path, needed);
    return undefined;
  } catch {
    if (use === 'read') {
      return {
        code: 'FILE_UNREADABLE',
        message: `expected a readable directory, got ${ownershipOf(stat)} for ${path}`,
        hint: 'make the directory readable for the user that the server runs as: namei -l DIRECTORY shows whose it is',
      };
    }
    return {
      code: 'DIRECTORY_NOT_WRITABLE',
      message: `expected a writable directory, got ${ownershipOf(stat)} for ${path}`,
    };
  }
}

/** The uppermost directory on the way to `path` that may not be entered: what lies behind it cannot even be looked at. */
function closedAbove(path: string): string {
  const above = dirname(path);
  return above === path || mayEnter(dirname(above)) ? above : closedAbove(above);
}

function mayEnter(directory: string): boolean {
  try {
    accessSync(directory, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** For errors: `mode 0700 of user 0, group 0`. */
export function ownershipOf(stat: {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}): string {
  return `mode 0${(stat.mode & 0o7777).toString(8)} of user ${stat.uid}, group ${stat.gid}`;
}
