import { readFileSync, rmSync } from 'node:fs';
import { messageFiles, type JoinerPlan } from '../plan/joiner.js';
import type { Outbox } from './outbox.js';
import { delay, unlessThrown } from './wait.js';

const signEveryMs = 5000;

/**
 * How long a joiner that tells its progress may tell of none, in ms: as long as a transfer may stand still, after its last sign, but for
 * three signs at least; 0 without limit.
 */
export function longestStandstill(idleTimeoutSeconds: number): number {
  return idleTimeoutSeconds === 0 ? 0 : Math.max(1000 * idleTimeoutSeconds + signEveryMs, 3 * signEveryMs);
}

/**
 * A joiner's word on how far it is with comparing, for a donor that waits for the verdict and asks now and then. It is renewed by
 * progress alone: a joiner whose disk hangs says nothing new.
 */
export function showVerification(
  { plan, outbox }: { readonly plan: JoinerPlan; readonly outbox: Outbox },
  now: () => number = () => performance.now(),
): (bytes: number) => void {
  let comparedBytes = 0;
  let shownMs = -Infinity;
  const show = (bytes: number): void => {
    comparedBytes += bytes;
    if (now() - shownMs < signEveryMs) return;
    shownMs = now();
    try {
      outbox.show(plan.answer, messageFiles.verifying, `${JSON.stringify({ comparedBytes })}\n`);
    } catch {
      // No room for a message: the donor waits as long as it waits for a silent joiner.
    }
  };
  show(0);
  return show;
}

/** Fetches a sign into `file` and gives it; undefined where there is none: older versions give none. */
export async function lookAtSign(file: string, fetch: () => Promise<void>): Promise<string | undefined> {
  rmSync(file, { force: true });
  try {
    await fetch();
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Waits for work as long as what `look` gives is something new now and then.
 * @throws what the work throws, the signal's reason, or an Error when there was nothing new for `limitMs`.
 */
export async function whileItMoves<T>(
  work: Promise<T>,
  { limitMs, look }: { readonly limitMs: number; readonly look: () => Promise<string | undefined> },
  signal: AbortSignal,
): Promise<T> {
  return unlessThrown(
    signal,
    () => work,
    (within) => untilStill(limitMs, look, within),
  );
}

const looksPerLimit = 5;
/** A look takes some 0.2 s. */
const lastLookMs = 1000;

async function untilStill(
  limitMs: number,
  look: () => Promise<string | undefined>,
  signal: AbortSignal,
): Promise<never> {
  let last: string | undefined;
  let movedMs = performance.now();
  for (;;) {
    await delay(limitMs / looksPerLimit, signal);
    // One that stands still does not answer either; a last look has its time.
    const restMs = Math.max(lastLookMs, movedMs + limitMs - performance.now());
    const late = delay(restMs, signal).then(() => undefined);
    const seen = await Promise.race([look(), late]);
    signal.throwIfAborted();
    if (seen !== undefined && seen !== last) [last, movedMs] = [seen, performance.now()];
    else if (performance.now() - movedMs >= limitMs) throw new Error(`nothing new for ${limitMs} ms`);
  }
}
