import { join, resolve } from 'node:path';
import { blameOf, checkDirectories, settingBehind, type DirectoryUse } from '../datadir/space.js';
import { isInside, places, rootOf, type Layout } from '../datadir/layout.js';
import { realPath } from '../datadir/real-path.js';
import type { Config } from '../config/config.js';
import { placeOf } from '../config/source.js';
import { errorOf, type Finding } from '../errors.js';
import type { EmitEvent } from '../events.js';
import { whyUnsafe } from '../plan/rsyncd-conf.js';
import { checkOwnFiles } from './own-files.js';
import { temporaryDirectory } from './workplace.js';

/** Reports every finding, and stops at the first error among them. */
export function report(findings: readonly Finding[], emit: EmitEvent): void {
  const stopping = findings.find((finding) => finding.severity === 'error');
  for (const finding of findings) if (finding !== stopping) emit({ kind: 'finding', finding });
  if (stopping !== undefined) throw errorOf(stopping);
}

/**
 * Whether the directories that this role reads or writes have names that can be used, are there and are usable, and whether nothing
 * is in the way of the files that it makes there. `bypass`: a donor's state alone is sent.
 */
export function checkPlaces(
  config: Config,
  layout: Layout,
  { bypass = false }: { readonly bypass?: boolean } = {},
): readonly Finding[] {
  const use: DirectoryUse = config.role === 'joiner' ? 'write' : 'read';
  return [
    ...checkPaths(config, layout),
    ...checkDirectories(layout, config.directories, use),
    ...(bypass ? [] : checkOwnFiles(config.role, layout)),
  ];
}

function checkPaths(config: Config, layout: Layout): readonly Finding[] {
  const unsafe: string[] = [];
  const check = (role: Config['role'], path: string | undefined, blame: Blame): readonly Finding[] => {
    // What lies in such a directory is so for the same reason.
    if (path === undefined || unsafe.some((directory) => isInside(directory, path))) return [];
    const found = checkPath(role, path, path, blame);
    if (found.length > 0) unsafe.push(path);
    return found;
  };
  return [
    ...places.flatMap((place) =>
      check(config.role, rootOf(layout, place), settingBehind(place, config.directories)),
    ),
    // Names of files do not stand in rsyncd.conf, but in lists of lines and in messages, as a donor's directories do.
    ...namedFiles(layout, config.directories).flatMap(([path, blame]) => check('donor', path, blame)),
    ...checkPlaceOfPrivateFiles(config, layout),
  ];
}

type Blame = Pick<Finding, 'option' | 'where'>;

/** The files whose names are options. */
function namedFiles(
  { roots, binlog, bufferPoolFile, innodbFiles }: Layout,
  settings: Config['directories'],
): readonly (readonly [path: string, blame: Blame])[] {
  const home = (name: string): string => resolve(roots['innodb-home'], name);
  const filePath = blameOf('innodb_data_file_path', settings.innodbDataFilePath);
  const pool = blameOf('innodb_buffer_pool_filename', settings.innodbBufferPoolFilename);
  const index = blameOf('log_bin_index', settings.logBinIndex);
  return [
    ...innodbFiles.map((name) => [home(name), filePath] as const),
    [home(bufferPoolFile), pool],
    ...(binlog === undefined
      ? []
      : ([
          [join(binlog.dir, binlog.base), blameOf('log_bin', settings.logBin)],
          ...(settings.logBinIndex === undefined ? [] : [[binlog.index, index] as const]),
        ] as const)),
  ];
}

function checkPath(role: Config['role'], path: string, asWritten: string, blame: Blame): readonly Finding[] {
  const reason = whyUnsafeFor(role, asWritten);
  if (reason === undefined) return [];
  const message = `the path ${JSON.stringify(path)} has ${reason}`;
  return [{ severity: 'error', code: 'PATH_UNSAFE', message, ...blame }];
}

/** Only a joiner's directories stand in rsyncd.conf. */
function whyUnsafeFor(role: Config['role'], path: string): string | undefined {
  if (role === 'joiner') return whyUnsafe(path);
  return /[\0-\x1f\x7f]/.test(path) ? 'a control character' : undefined;
}

/** Files that a transfer keeps there would travel from a donor, and a joiner would lose them. */
function checkPlaceOfPrivateFiles({ role, tmpDir }: Config, layout: Layout): readonly Finding[] {
  const isSet = tmpDir !== undefined && tmpDir.value !== '';
  const path = temporaryDirectory(tmpDir);
  const blame = isSet ? { option: tmpDir.source.name, where: placeOf(tmpDir.source) } : {};
  // Only files below it are named to rsync: what stands at the directory's own end does no harm.
  const unsafe = checkPath(role, path, `${path}/file`, blame);
  const { data } = layout.roots;
  if (!isInside(realPath(data), realPath(path))) return unsafe;
  const message = `${isSet ? 'tmpdir' : "the system's directory for temporary files"} ${path} lies in the data directory ${data}, whose sub directories a transfer copies and clears`;
  const hint = `${isSet ? 'name' : 'set TMPDIR, or tmpdir in [sst], to'} a directory outside the data directory; my_print_defaults sst mysqld shows what is set`;
  return [...unsafe, { severity: 'error', code: 'OPTION_INVALID', message, hint, ...blame }];
}
