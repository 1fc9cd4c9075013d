import { checkDirectories, settingBehind, type DirectoryUse } from '../datadir/space.js';
import { isInside, places, rootOf, type Layout } from '../datadir/layout.js';
import { realPath } from '../datadir/real-path.js';
import type { Config } from '../config/config.js';
import { placeOf } from '../config/source.js';
import { errorOf, type Finding } from '../errors.js';
import type { EmitEvent } from '../events.js';
import { whyUnsafe } from '../plan/rsyncd-conf.js';
import { temporaryDirectory } from './workplace.js';

/** Reports every finding, and stops at the first error among them. */
export function report(findings: readonly Finding[], emit: EmitEvent): void {
  const stopping = findings.find((finding) => finding.severity === 'error');
  for (const finding of findings) if (finding !== stopping) emit({ kind: 'finding', finding });
  if (stopping !== undefined) throw errorOf(stopping);
}

/** Whether the directories that this role reads or writes have names that can be used, are there and are usable. */
export function checkPlaces(config: Config, layout: Layout): readonly Finding[] {
  const use: DirectoryUse = config.role === 'joiner' ? 'write' : 'read';
  return [...checkPaths(config, layout), ...checkDirectories(layout, config.directories, use)];
}

function checkPaths(config: Config, layout: Layout): readonly Finding[] {
  const named = places.map((place) => ({
    path: rootOf(layout, place),
    blame: settingBehind(place, config.directories),
  }));
  const unsafe = named.flatMap(({ path, blame }) =>
    path === undefined ? [] : checkPath(config.role, path, path, blame),
  );
  return [...unsafe, ...checkPlaceOfPrivateFiles(config, layout)];
}

function checkPath(
  role: Config['role'],
  path: string,
  asWritten: string,
  blame: Pick<Finding, 'option' | 'where'>,
): readonly Finding[] {
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
  const hint = `${isSet ? 'name' : 'set TMPDIR, or tmpdir in [sst], to'} a directory outside the data directory`;
  return [...unsafe, { severity: 'error', code: 'OPTION_INVALID', message, hint, ...blame }];
}
