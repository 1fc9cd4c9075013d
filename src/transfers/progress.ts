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
 * Counts once a second, and when somebody asks; tells events and the server (`total` and `complete` lines, which it
 * accepts on both sides: on a joiner between `ready` and the result, on a donor up to `done`). The count never falls and
 * never exceeds the total.
 * @param expected the bytes to come, as far as they are known now
 * @param around what was sent before that, which counts in both, and what is known to come after it, which counts in the total
 */
export function followProgress(
  expected: () => number,
  look: () => readonly StreamProgress[],
  { emit, say, whenAsked }: Pick<TransferContext, 'emit' | 'say' | 'whenAsked'>,
  { beforeBytes = 0, laterBytes = 0 }: { readonly beforeBytes?: number; readonly laterBytes?: number } = {},
): Progress {
  let toldTotal: number | undefined;
  let toldBytes: number | undefined;
  let doneBytes = 0;
  const sayTotal = (ofBytes: number): number => {
    const totalBytes = Math.max(beforeBytes + ofBytes + laterBytes, doneBytes);
    if (totalBytes !== toldTotal) say({ kind: 'total', bytes: totalBytes });
    return (toldTotal = totalBytes);
  };
  const tell = (countedBytes: number, ofBytes: number, streams: readonly StreamProgress[]): void => {
    doneBytes = Math.max(doneBytes, beforeBytes + Math.min(countedBytes, ofBytes));
    const totalBytes = sayTotal(ofBytes);
    emit({ kind: 'progress', doneBytes, totalBytes, streams });
    if (doneBytes !== toldBytes) say({ kind: 'complete', bytes: doneBytes });
    toldBytes = doneBytes;
  };
  const count = (): void => {
    const streams = look();
    tell(
      streams.reduce((sum, stream) => sum + stream.doneBytes, 0),
      expected(),
      streams,
    );
  };
  sayTotal(expected());
  const timer = setInterval(count, countEveryMs);
  const noLonger = whenAsked?.(count);
  const stop = (): void => {
    clearInterval(timer);
    noLonger?.();
  };
  return {
    complete: (finalBytes) => {
      stop();
      tell(finalBytes, finalBytes, []);
    },
    stop,
  };
}
