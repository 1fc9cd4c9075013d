import { existsSync, readdirSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DirectorySettings } from '../config/directories.js';
import type { Finding } from '../errors.js';
import { shellQuote } from '../shell-quote.js';
import { isElasticType } from './elastic.js';
import { belongs } from './kinds.js';
import { rootOf, type Layout, type Place } from './layout.js';
import type { Manifest } from './manifest.js';
import { settingBehind } from './space.js';
import { walkLayout } from './walk.js';

/** What a file system has to give to a copy, and what it has got. */
export interface SpaceNeed {
  /** A directory on it, for errors. */
  readonly directory: string;
  readonly place: Place;
  /** Bytes and files of the copy. */
  readonly bytes: number;
  readonly inodes: number;
  /** What the copy takes the place of: overwritten or removed before. */
  readonly replacedBytes: number;
  readonly replacedInodes: number;
}

/** What a file system has left for an ordinary user. */
export interface SpaceLeft {
  readonly bytes: number;
  /** Undefined for one that makes inodes as they are needed. */
  readonly inodes: number | undefined;
  /** It compresses or shares what is written: how much fits is not known before. */
  readonly isElastic: boolean;
}

/** Whether the offer fits into the joiner's file systems; each is asked once, whatever lies on it. */
export async function checkSpace(
  layout: Layout,
  offer: Manifest,
  settings: DirectorySettings,
  signal?: AbortSignal,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const need of await measureNeeds(layout, offer, signal)) {
    const finding = judgeSpace(need, await spaceLeft(need.directory));
    if (finding !== undefined) findings.push({ ...finding, ...settingBehind(need.place, settings) });
  }
  return findings;
}

/** Compares; pure. */
export function judgeSpace(need: SpaceNeed, left: SpaceLeft): Finding | undefined {
  const missingBytes = need.bytes - need.replacedBytes - left.bytes;
  const missingInodes = left.inodes === undefined ? 0 : need.inodes - need.replacedInodes - left.inodes;
  if (missingBytes <= 0 && missingInodes <= 0) return undefined;
  const severity = left.isElastic ? 'warning' : 'error';
  if (missingBytes > 0) {
    const message = `the copy needs ${need.bytes} bytes on the file system of ${need.directory}, which has ${left.bytes} free and ${need.replacedBytes} that the copy replaces: ${missingBytes} too few`;
    return { severity, code: 'DISK_FULL', message };
  }
  const message = `the copy needs ${need.inodes} files on the file system of ${need.directory}, which has room for ${left.inodes} more and has ${need.replacedInodes} that the copy replaces: ${missingInodes} too few`;
  return {
    severity,
    code: 'DISK_FULL',
    message,
    hint: `make room for more files (inodes) on the file system: df -i ${shellQuote(need.directory)}`,
  };
}

type Sums = { -readonly [key in keyof SpaceNeed]: SpaceNeed[key] };

async function measureNeeds(layout: Layout, offer: Manifest, signal?: AbortSignal): Promise<SpaceNeed[]> {
  const devices = deviceFinder();
  const needs = new Map<number, Sums>();
  const needOn = (directory: string, place: Place): Sums => {
    const found = devices(directory);
    const need = needs.get(found.dev) ?? {
      ...{ directory: found.directory, place },
      ...{ bytes: 0, inodes: 0, replacedBytes: 0, replacedInodes: 0 },
    };
    needs.set(found.dev, need);
    return need;
  };
  /** Of the last file's directory: the next one's is the same, as a rule. */
  let last: { readonly place: Place; readonly directory: string; readonly need: Sums } | undefined;
  for (const { place, path, size, allocated } of offer.files) {
    const root = rootOf(layout, place);
    if (root === undefined) continue;
    const directory = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (last?.place !== place || last.directory !== directory)
      last = { place, directory, need: needOn(join(root, directory), place) };
    const { need } = last;
    need.bytes += Math.min(size, allocated ?? size);
    need.inodes += 1;
  }
  for (const path of offer.directories) needOn(join(layout.roots.data, path), 'data').inodes += 1;
  const replace = (place: Place, path: string, bytes: number): void => {
    const need = needOn(dirname(join(rootOf(layout, place) ?? layout.roots.data, path)), place);
    need.replacedBytes += bytes;
    need.replacedInodes += 1;
  };
  await walkLayout(
    layout,
    {
      file: (place, path, { blocks }) => replace(place, path, blocks * 512),
      directory: (path) => replace('data', `${path}/x`, 0),
    },
    { named: belongs, signal },
  );
  const { binlog } = layout;
  const own = binlog === undefined || !existsSync(binlog.dir) ? [] : readdirSync(binlog.dir);
  for (const name of own.filter((one) => belongs(layout, 'binlog', one))) {
    const stat = statSync(join(binlog?.dir ?? '', name), { throwIfNoEntry: false });
    if (stat?.isFile() === true) replace('binlog', name, stat.blocks * 512);
  }
  return [...needs.values()];
}

/** The device of a directory, or of the one above it that exists; remembers what it has found. */
function deviceFinder(): (directory: string) => { readonly dev: number; readonly directory: string } {
  const known = new Map<string, { readonly dev: number; readonly directory: string }>();
  const find = (directory: string): { readonly dev: number; readonly directory: string } => {
    const before = known.get(directory);
    if (before !== undefined) return before;
    const stat = statSync(directory, { throwIfNoEntry: false });
    const found = stat === undefined ? find(dirname(directory)) : { dev: stat.dev, directory };
    known.set(directory, found);
    return found;
  };
  return find;
}

export async function spaceLeft(directory: string): Promise<SpaceLeft> {
  const { bavail, bsize, ffree, files, type } = await statfs(directory);
  return {
    bytes: bavail * bsize,
    inodes: files === 0 ? undefined : ffree,
    isElastic: isElasticType(type),
  };
}
