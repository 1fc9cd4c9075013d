import type { StreamProgress } from '../events.js';
import type { TransferContext } from './context.js';

/** How often to count, in ms. */
const countEveryMs = 1000;

/** The counting of one transfer's bytes. */
export interface Progress {
  /** All has arrived: the count becomes the total, which may have become better known. */
  complete(totalBytes: number): void;
  /** Counts no more. */
  stop(): void;
}

/**
 * Counts once a second, and tells events and the server (`total` and `complete` lines, which it accepts on both sides:
 * on a joiner between `ready` and the result, on a donor up to `done`). The count never falls and never exceeds the
 * total.
 * @param around what was sent before that, which counts in both, and what is known to come after it, which counts in the total
 */
export function followProgress(
  totalBytes: number,
  look: () => readonly StreamProgress[],
  { emit, say }: Pick<TransferContext, 'emit' | 'say'>,
  { beforeBytes = 0, laterBytes = 0 }: { readonly beforeBytes?: number; readonly laterBytes?: number } = {},
): Progress {
  let toldBytes: number | undefined;
  let doneBytes = 0;
  const tell = (countedBytes: number, ofBytes: number, streams: readonly StreamProgress[]): void => {
    doneBytes = Math.max(doneBytes, beforeBytes + Math.min(countedBytes, ofBytes));
    emit({ kind: 'progress', doneBytes, totalBytes: beforeBytes + ofBytes + laterBytes, streams });
    if (doneBytes !== toldBytes) say({ kind: 'complete', bytes: doneBytes });
    toldBytes = doneBytes;
  };
  const count = (): void => {
    const streams = look();
    tell(
      streams.reduce((sum, stream) => sum + stream.doneBytes, 0),
      totalBytes,
      streams,
    );
  };
  say({ kind: 'total', bytes: beforeBytes + totalBytes + laterBytes });
  const timer = setInterval(count, countEveryMs);
  return {
    complete: (finalBytes) => {
      clearInterval(timer);
      if (finalBytes !== totalBytes) say({ kind: 'total', bytes: beforeBytes + finalBytes + laterBytes });
      doneBytes = Math.min(doneBytes, beforeBytes + finalBytes);
      tell(finalBytes, finalBytes, []);
    },
    stop: () => clearInterval(timer),
  };
}
