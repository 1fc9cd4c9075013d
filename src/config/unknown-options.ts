import type { Finding } from '../errors.js';
import type { OptionEntry } from '../option-files/entry.js';
import { normalizeName } from '../option-files/select.js';
import { peersOptions, sstOptions } from './sst-options.js';

const known = new Set<string>([...sstOptions, ...peersOptions]);

/** A warning for every line of `[sst]` whose option nobody reads: it may be a misspelt one that is missed. */
export function findUnknownOptions(sst: readonly OptionEntry[]): readonly Finding[] {
  return sst.flatMap(({ group, name, file, line }): Finding[] => {
    if (known.has(normalizeName(name))) return [];
    const meant = nearestOption(name);
    return [
      {
        severity: 'warning',
        code: 'OPTION_UNKNOWN',
        message: `[${group}] has ${JSON.stringify(name)}, which is no option of this method: the line has no effect`,
        option: name,
        where: `${file}:${line}`,
        ...(meant === undefined
          ? {}
          : {
              hint: `was ${meant} meant? Otherwise remove the line; man 5 galera-sst-tunnel lists the options`,
            }),
      },
    ];
  });
}

/** The option of `[sst]` that was probably meant. */
export function nearestOption(name: string): string | undefined {
  const written = normalizeName(name.toLowerCase());
  // Own names come first: what is as near to one of the peers' is more likely one of these.
  return nearestName(written, [...sstOptions, ...peersOptions]);
}

/** The name that was probably meant: the nearest, or one that is the beginning of what was written or begins with it. */
export function nearestName(written: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((name) => ({
      name,
      // Names of thousands of letters are no misspelt ones, and would take long to compare.
      distance: written.length > 2 * name.length ? Infinity : editDistance(written, name),
    }))
    .sort((a, b) => a.distance - b.distance);
  const nearest = ranked.find(({ name, distance }) => distance <= Math.max(1, Math.floor(name.length / 4)));
  if (nearest !== undefined) return nearest.name;
  const extended = ({ name }: { name: string }): boolean =>
    (name.length > 2 && written.startsWith(name)) || (written.length > 2 && name.startsWith(written));
  return ranked.find(extended)?.name;
}

/** How many letters have to be changed, added, left out or exchanged with their neighbour to get from `a` to `b`. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const isExchanged = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      rows[i]?.push(
        Math.min(
          at(i - 1, j) + 1,
          at(i, j - 1) + 1,
          at(i - 1, j - 1) + (isSame ? 0 : 1),
          isExchanged ? at(i - 2, j - 2) + 1 : Infinity,
        ),
      );
    }
  }
  return at(a.length, b.length);
}
