import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';

/** Without links; undefined for what is not there, and for a link that leads nowhere. */
export function findRealPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** Without links, so that one cannot lead into a directory unseen; what is not there stays as it is written. */
export function realPath(path: string): string {
  return findRealPath(path) ?? resolve(path);
}
