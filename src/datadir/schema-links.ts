import { readdirSync, statSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../errors.js';
import { foreignDirectories } from './kinds.js';
import { isInside, type Layout } from './layout.js';
import { findRealPath } from './real-path.js';

/** A schema directory that lies elsewhere: a link at the top of the data directory. */
export interface SchemaLink {
  readonly name: string;
  /** Where it lies, without links. */
  readonly target: string;
}

/**
 * The links to directories at the top of the data directory, by name. Left out are those that lead back into the data directory or to
 * one around it, and all but the first to the same directory: no two schemas can share one.
 */
export function findSchemaLinks(layout: Pick<Layout, 'roots'>): readonly SchemaLink[] {
  const root = findRealPath(layout.roots.data);
  if (root === undefined) return [];
  const targets = new Set<string>();
  const links: SchemaLink[] = [];
  for (const name of linksIn(root)) {
    const target = findRealPath(join(root, name));
    if (target === undefined || targets.has(target) || isInside(root, target) || isInside(target, root))
      continue;
    if (statSync(target, { throwIfNoEntry: false })?.isDirectory() !== true) continue;
    targets.add(target);
    links.push({ name, target });
  }
  return links;
}

function linksIn(directory: string): readonly string[] {
  return entriesOf(directory)
    .filter((entry) => entry.isSymbolicLink() && !foreignDirectories.has(entry.name))
    .map(({ name }) => name)
    .sort();
}

/** None where they may not be read: that is the finding of who checks the directories. */
function entriesOf(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return [];
    throw error;
  }
}
