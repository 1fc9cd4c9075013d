import { unwatchFile, watch, watchFile } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { leadingLinks } from '../datadir/real-path.js';

/** When what has changed is told, in ms. */
export interface Settling {
  /** After the last change. */
  readonly settleMs: number;
  /** After the first one at the latest: where something always changes, what counts must not be missed. */
  readonly atLatestMs: number;
}

/**
 * A file is often written in several steps, and a certificate and its key one after the other. Who makes a data directory anew starts
 * its server next, which asks for a transfer: after that it is looked at anyway.
 */
const usualSettling: Settling = { settleMs: 3000, atLatestMs: 10_000 };

/** No file has this name. */
const anyName = '/';

/**
 * Where a server works every one of its writes would wake this process: a directory in which so much that does not count has happened,
 * more than once a second, is not watched any longer, but the files in it are looked at now and then.
 */
const mostOthers = 300;
const lookEveryMs = 10_000;

/**
 * Calls back once things have settled after one of the files or directories has changed. The directories above are
 * watched, since certificates are renewed by renaming, and those of links that lead to a file, which may be turned elsewhere; of a path
 * that ends in `/` everything in the directory counts. Directories that cannot be watched are left out: what changes in
 * them shows at the next check by the clock.
 */
export function watchFiles(
  paths: readonly string[],
  onChange: () => void,
  signal: AbortSignal,
  { settleMs, atLatestMs } = usualSettling,
): void {
  let settling: NodeJS.Timeout | undefined;
  let firstMs: number | undefined;
  const settled = (): void => {
    firstMs = undefined;
    onChange();
  };
  const changed = (): void => {
    clearTimeout(settling);
    const nowMs = performance.now();
    firstMs ??= nowMs;
    settling = setTimeout(settled, Math.max(0, Math.min(settleMs, firstMs + atLatestMs - nowMs)));
    settling.unref();
  };
  for (const [directory, names] of byDirectory(paths)) watchNames(directory, names, changed, signal);
  signal.addEventListener('abort', () => clearTimeout(settling), { once: true });
}

function watchNames(
  directory: string,
  names: ReadonlySet<string>,
  changed: () => void,
  signal: AbortSignal,
): void {
  try {
    const sinceMs = performance.now();
    let others = 0;
    const watcher = watch(directory, { signal, persistent: false }, (_, name) => {
      if (name === null || names.has(name) || names.has(anyName)) {
        changed();
        return;
      }
      others += 1;
      if (others < mostOthers || performance.now() - sinceMs > 1000 * others) return;
      watcher.close();
      for (const one of names) lookAtTimes(join(directory, one), changed, signal);
    });
    watcher.on('error', () => watcher.close());
  } catch {
    // Not there, or not ours to read.
  }
}

function lookAtTimes(file: string, changed: () => void, signal: AbortSignal): void {
  watchFile(file, { interval: lookEveryMs, persistent: false }, changed);
  signal.addEventListener('abort', () => unwatchFile(file, changed), { once: true });
}

function byDirectory(paths: readonly string[]): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>();
  for (const path of paths.flatMap((one) => [one, ...leadingLinks(one)])) {
    const isDirectory = path.endsWith('/');
    const directory = isDirectory ? path.replace(/(?<=.)\/+$/, '') : dirname(path);
    const name = isDirectory ? anyName : basename(path);
    names.set(directory, (names.get(directory) ?? new Set()).add(name));
  }
  return names;
}
