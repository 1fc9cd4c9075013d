import { join, relative } from 'node:path';
import type { Finding } from '../errors.js';
import { FileTable } from './file-table.js';
import { isInside, rootOf, type Layout } from './layout.js';
import type { Manifest } from './manifest.js';
import { realPath } from './real-path.js';
import { findSchemaLinks } from './schema-links.js';

/**
 * An error for each file of a donor's schemas that would come to lie where this node keeps a file of its own: a key, a log, a pid file,
 * or what the donor sends for another place (its old redo log in a directory where the joiner has its own now).
 */
export function findCollisions(layout: Layout, offer: Pick<Manifest, 'files'>): readonly Finding[] {
  const files = FileTable.of(offer.files);
  const isOffered = (path: string): boolean => files.has({ place: 'data', path });
  const namesOf = namesIn(layout);
  const own = (layout.serverFiles ?? [])
    .filter(({ kind }) => kind !== 'directory')
    .map(({ path }) => ({ path, what: "a file of this node's own" }));
  const arriving = Array.from(
    files.filter(({ place }) => place !== 'data'),
    ({ place, path }) => ({ path: join(rootOf(layout, place) ?? '/', path), what: `this node's ${place}` }),
  );
  return [...own, ...arriving].flatMap(({ path, what }): Finding[] => {
    const name = namesOf(path).find(isOffered);
    if (name === undefined) return [];
    return [
      {
        severity: 'error',
        code: 'FILE_EXISTS',
        message: `the donor has a file ${name} in its data directory, and ${path} is ${what}: it would be replaced`,
        hint: "remove the donor's file if it is a leftover, or move this node's out of its data directory; ls -l shows both",
      },
    ];
  });
}

/** Under which names below the data directory a donor's file would come to lie at a path, links followed. */
function namesIn(layout: Layout): (path: string) => readonly string[] {
  const { data } = layout.roots;
  const ways = [
    { directory: data, name: '' },
    { directory: realPath(data), name: '' },
    ...findSchemaLinks(layout).map(({ name, target }) => ({ directory: target, name })),
  ];
  return (path) =>
    [path, realPath(path)].flatMap((one) =>
      ways
        .filter(({ directory }) => isInside(directory, one))
        .map(({ directory, name }) => join(name, relative(directory, one))),
    );
}
