import { statSync } from 'node:fs';
import { join } from 'node:path';
import { belongs } from './kinds.js';
import type { Layout, Place } from './layout.js';
import { rootOf } from './layout.js';
import type { Manifest } from './manifest.js';
import { walkLayout } from './walk.js';

/** How a joiner's files differ from the donor's manifest; a directory has the place `data`. Sizes in bytes. */
export type Difference =
  | { readonly kind: 'missing'; readonly place: Place; readonly path: string }
  | {
      readonly kind: 'missing directory' | 'unexpected directory';
      readonly place: 'data';
      readonly path: string;
    }
  | {
      readonly kind: 'size';
      readonly place: Place;
      readonly path: string;
      readonly expected: number;
      readonly found: number;
    }
  | { readonly kind: 'unexpected'; readonly place: Place; readonly path: string };

/**
 * Holds what lies in the joiner's directories against the manifest. Binary logs are looked for under the donor's names,
 * so this comes before `adoptBinlogs`; a joiner that writes none is not asked for them.
 * @throws TransferError FILE_UNREADABLE, PATH_UNSAFE.
 */
export async function compareWithManifest(
  layout: Layout,
  manifest: Manifest,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Difference[]> {
  const differences: Difference[] = [];
  const expected = new Map<Place, Map<string, number>>();
  for (const { place, path, size } of manifest.files) {
    const sizes = expected.get(place) ?? new Map<string, number>();
    if (sizes.size === 0) expected.set(place, sizes);
    sizes.set(path, size);
  }
  const directories = new Set(manifest.directories);

  const check = (place: Place, path: string, found: number): void => {
    const size = expected.get(place)?.get(path);
    if (size === undefined) {
      differences.push({ kind: 'unexpected', place, path });
      return;
    }
    expected.get(place)?.delete(path);
    if (size !== found) differences.push({ kind: 'size', place, path, expected: size, found });
  };
  const directory = (path: string): void => {
    if (!directories.delete(path)) differences.push({ kind: 'unexpected directory', place: 'data', path });
  };
  await walkLayout(
    layout,
    { file: (place, path, stat) => check(place, path, stat.size), directory },
    { named: belongs, received: manifest.binlogs, signal: options.signal },
  );

  for (const path of directories) {
    // one that holds nothing but another place's files here is no schema to the walk
    if (statSync(join(layout.roots.data, path), { throwIfNoEntry: false })?.isDirectory() === true) continue;
    differences.push({ kind: 'missing directory', place: 'data', path });
  }
  for (const [place, sizes] of expected) {
    const root = rootOf(layout, place);
    if (root === undefined) continue;
    for (const [path] of sizes) {
      // names that only the donor's layout has, like its innodb_buffer_pool_filename, and binary logs
      const stat = statSync(join(root, path), { throwIfNoEntry: false });
      if (stat?.isFile() === true) check(place, path, stat.size);
      else differences.push({ kind: 'missing', place, path });
    }
  }
  return differences;
}
