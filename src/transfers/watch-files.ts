import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** A file is often written in several steps, and a certificate and its key one after the other. */
const settleMs = 500;

/** No file has this name. */
const anyName = '/';

/**
 * Calls back once things have settled after one of the files or directories has changed. The directories above are
 * watched, since certificates are renewed by renaming; of a path that ends in `/` everything in the directory counts.
 * Directories that cannot be watched are left out: what changes in them shows at the next check by the clock.
 */
export function watchFiles(paths: readonly string[], onChange: () => void, signal: AbortSignal): void {
  let settling: NodeJS.Timeout | undefined;
  const changed = (): void => {
    clearTimeout(settling);
    settling = setTimeout(onChange, settleMs);
    settling.unref();
  };
  for (const [directory, names] of byDirectory(paths)) {
    try {
      const watcher = watch(directory, { signal, persistent: false }, (_, name) => {
        if (name === null || names.has(name) || names.has(anyName)) changed();
      });
      watcher.on('error', () => watcher.close());
    } catch {
      // Not there, or not ours to read.
    }
  }
  signal.addEventListener('abort', () => clearTimeout(settling), { once: true });
}

function byDirectory(paths: readonly string[]): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>();
  for (const path of paths) {
    const isDirectory = path.endsWith('/');
    const directory = isDirectory ? path.replace(/(?<=.)\/+$/, '') : dirname(path);
    const name = isDirectory ? anyName : basename(path);
    names.set(directory, (names.get(directory) ?? new Set()).add(name));
  }
  return names;
}
