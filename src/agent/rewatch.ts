import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { leadingLinks } from '../datadir/real-path.js';
import { watchFiles } from '../transfers/watch-files.js';

/** Longer than `watchFiles` lets things settle: what the watch before has seen is still told. */
const overlapMs = 15_000;

/**
 * Watches what it was last given, for as long as the signal does not abort. A watch holds on to a directory, not to its name: once
 * another directory has the name, or one has come that was missing, it is set up anew.
 */
export function createWatch(onChange: () => void, signal: AbortSignal): (paths: readonly string[]) => void {
  let current: { readonly key: string; readonly stop: AbortController } | undefined;
  return (paths) => {
    const all = [...new Set(paths.flatMap((path) => [path, ...directoriesOf(path)]))].sort();
    const key = all.flatMap((path) => [path, ...leadingLinks(path)].map(identify)).join('\0');
    if (current?.key === key) return;
    const before = current;
    current = { key, stop: new AbortController() };
    watchFiles(all, onChange, AbortSignal.any([signal, current.stop.signal]));
    setTimeout(() => before?.stop.abort(), overlapMs).unref();
  };
}

/** The directory that a path lies in, by its name in the one above; where it is missing also those above, up to one that is there. */
function directoriesOf(path: string): string[] {
  const directory = directoryOf(path);
  if (directory === '/' || directory === '.') return [];
  return existsSync(directory) ? [directory] : [directory, ...directoriesOf(directory)];
}

function directoryOf(path: string): string {
  return path.endsWith('/') ? path.replace(/(?<=.)\/+$/, '') : dirname(path);
}

function identify(path: string): string {
  try {
    const { dev, ino } = statSync(directoryOf(path));
    return `${path} ${dev}:${ino}`;
  } catch {
    return `${path} missing`;
  }
}
