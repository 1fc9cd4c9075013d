import { existsSync, watch } from 'node:fs';

/** Waits until the signal aborts, and throws its reason. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => {
      reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
    };
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}

/**
 * Waits until one of the files exists and gives its path. The directory is watched, and looked at once a second too:
 * a watch can be lost (network file systems, exhausted inotify limits).
 */
export async function waitForFile(
  directory: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const look = (): string | undefined => paths.find((path) => existsSync(path));
  const done = new AbortController();
  const appeared = new Promise<string>((resolve) => {
    const check = (): void => {
      const found = look();
      if (found !== undefined) resolve(found);
    };
    const timer = setInterval(check, 1000);
    const watcher = tryWatch(directory, check);
    done.signal.addEventListener('abort', () => {
      clearInterval(timer);
      watcher?.close();
    });
    check();
  });
  try {
    return await Promise.race([appeared, untilAborted(AbortSignal.any([signal, done.signal]))]);
  } finally {
    done.abort(new Error('no longer waiting'));
  }
}

/** Watches a file or directory where that is possible: inotify's limits are the user's, not ours. */
export function tryWatch(directory: string, onChange: () => void): { close(): void } | undefined {
  try {
    const watcher = watch(directory, onChange);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}

/** Waits; throws the signal's reason when it aborts before. */
export async function delay(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const cancel = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  try {
    await Promise.race([
      new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ms);
      }),
      untilAborted(AbortSignal.any([signal, cancel.signal])),
    ]);
  } finally {
    clearTimeout(timer);
    cancel.abort(new Error('no longer waiting'));
  }
}

/**
 * Gives `act` a signal that aborts with `signal`, and after `ms`. Not `AbortSignal.timeout`: joined with another signal
 * by `AbortSignal.any` it is collected as garbage before its time, and never fires (Node 20.20).
 */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new Error(`not within ${ms} ms`)), ms);
  try {
    return await act(AbortSignal.any([signal, limit.signal]));
  } finally {
    clearTimeout(timer);
  }
}

/** Does work until it has ended, or `other`, which runs beside it, has thrown; both are told by their signal when it is over. */
export async function unlessThrown<T>(
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  other: (signal: AbortSignal) => Promise<never>,
): Promise<T> {
  const over = new AbortController();
  const within = AbortSignal.any([signal, over.signal]);
  try {
    return await Promise.race([work(within), other(within)]);
  } finally {
    over.abort(new Error('no longer waiting'));
  }
}
