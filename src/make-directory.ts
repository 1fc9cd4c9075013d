import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { errnoOf } from './errors.js';

/**
 * Makes a directory and what lacks above it; gives the uppermost that was made, undefined when all was there. What mkdir does with
 * `recursive`, but that never ends where a file system says of a new name that there is no such thing, as /proc and /sys do (Node 20.20).
 * @throws the system's error: EEXIST when something else has the name, EACCES, EROFS, ENOSPC, ENOENT.
 */
export function makeDirectory(path: string, mode: number): string | undefined {
  const directory = resolve(path);
  if (makeOne(directory, mode)) return directory;
  if (isDirectory(directory)) return undefined;
  const above = dirname(directory) === directory ? undefined : makeDirectory(dirname(directory), mode);
  // Another process may have been quicker.
  if (!isDirectory(directory)) mkdirSync(directory, { mode });
  return above ?? directory;
}

/** False where that takes a look: the name is there already, or something above it is not. */
function makeOne(directory: string, mode: number): boolean {
  try {
    mkdirSync(directory, { mode });
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || (errno === 'EEXIST' && isDirectory(directory))) return false;
    // A mount point that may not be written is a directory all the same.
    if (isDirectory(directory)) return false;
    throw error;
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
