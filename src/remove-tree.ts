import { rmdirSync, rmSync } from 'node:fs';
import { errnoOf } from './errors.js';

const attempts = 100;

/**
 * Removes a directory with all that is in it; none is well. Where something else removes a part of it at that moment, node 24.21 stops
 * there as if all were done (20.20 and 22.23 go on): what counts is that nothing is left.
 * @throws the system's error: EACCES, EBUSY, EROFS; ENOTEMPTY where something is made in it again and again.
 */
export function removeTree(directory: string): void {
  for (let attempt = 1; ; attempt++) {
    try {
      rmSync(directory, { recursive: true, force: true });
      rmdirSync(directory);
      return;
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOENT') return;
      if (errno !== 'ENOTEMPTY' || attempt === attempts) throw error;
    }
  }
}
