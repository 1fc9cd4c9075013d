import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';

/** Without links, so that one cannot lead into a directory unseen; what is not there stays as it is written. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
