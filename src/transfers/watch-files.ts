import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** A file is often written in several steps, and a certificate and its key one after the other. */
const settleMs = 500;

/**
 * Calls back once things have settled after one of the files or directories has changed. The directories above are
 * watched, since certificates are renewed by renaming; directories that cannot be watched are left out: what changes in
 * them shows at the next check by the clock.
 */
export function watchFiles(paths: readonly string[], onChange: () => void, signal: AbortSignal): void {
  let settling: NodeJS.Timeout | undefined;
  const changed = (): void => {
    clearTimeout(settling);
    settling = setTimeout(onChange, settleMs);
  };
  for (const [directory, names] of byDirectory(paths)) {
    try {
      const watcher = watch(directory, { signal, persistent: false }, (_, name) => {
        if (name === null || names.has(name)) changed();
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
    const directory = dirname(path);
    names.set(directory, (names.get(directory) ?? new Set()).add(basename(path)));
  }
  return names;
}
