import { setImmediate } from 'node:timers/promises';

const entriesPerTurn = 2000;

/**
 * For loops over very many files with synchronous calls (several times faster than asynchronous ones): await the
 * result whenever it is one, so that timers, signals and an abort get their turn every few thousand entries.
 */
export function pacer(signal?: AbortSignal): () => Promise<void> | undefined {
  let entries = 0;
  signal?.throwIfAborted();
  return () => {
    entries += 1;
    if (entries < entriesPerTurn) return undefined;
    entries = 0;
    // Not the timer's own signal: it would throw an AbortError instead of the reason.
    return setImmediate(undefined).then(() => signal?.throwIfAborted());
  };
}
