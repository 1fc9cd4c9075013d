import { delay, unlessThrown } from './wait.js';

/** What tells the joiner that its donor is alive while no file comes. */
export interface SignsOfLife {
  readonly send: () => Promise<void>;
  readonly everyMs: number;
  /** When to send the first one; default: `everyMs`. */
  readonly firstMs?: number;
}

const usualMs = 30_000;

/** How often to send them, in ms: often enough for the shortest of the idle limits, in ms, of which 0 is none. */
export function signInterval(idleLimitsMs: readonly number[]): number {
  return Math.min(usualMs, ...idleLimitsMs.filter((limit) => limit > 0).map((limit) => limit / 3));
}

/** Does work that lasts as long as it lasts and sends signs of life meanwhile; one that cannot be sent ends it. */
export async function withSignsOfLife<T>(
  { send, everyMs, firstMs = everyMs }: SignsOfLife,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return unlessThrown(signal, work, async (within) => {
    for (let afterMs = firstMs; ; afterMs = everyMs) {
      await delay(afterMs, within);
      await send();
    }
  });
}
