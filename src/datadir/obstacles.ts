import { lstatSync, statSync, type Stats } from 'node:fs';
import type { Finding } from '../errors.js';

/** An error for each path at which there is something else than the kind that has to be there, or made there. */
export function findObstacles(
  paths: readonly string[],
  expected: 'file' | 'directory',
  hint: string,
): readonly Finding[] {
  return paths.flatMap((path): Finding[] => {
    const found = kindAt(path);
    if (found === undefined || found === expected || (found === danglingLink && expected === 'file'))
      return [];
    const message = `${path} is a ${found}, expected a ${expected}`;
    return [{ severity: 'error', code: 'FILE_EXISTS', message, hint }];
  });
}

const danglingLink = 'link that leads nowhere';

/** Undefined for nothing, and for what cannot be looked at: that is found where it is used. */
function kindAt(path: string): string | undefined {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined) return kindOf(stat);
    return lstatSync(path, { throwIfNoEntry: false }) === undefined ? undefined : danglingLink;
  } catch {
    return undefined;
  }
}

function kindOf(stat: Stats): string {
  if (stat.isDirectory()) return 'directory';
  if (stat.isFile()) return 'file';
  if (stat.isFIFO()) return 'named pipe';
  return stat.isSocket() ? 'socket' : 'device';
}
