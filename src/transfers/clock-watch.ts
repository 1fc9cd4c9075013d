import type { SentFiles } from '../datadir/changes.js';
import type { DonorHashes } from '../datadir/hashes.js';
import type { TransferContext } from './context.js';

/**
 * A leap by more is noticed, ms: so all looks between two that are noticed are within 2 s. Only one back by more than 3 s could hide a
 * write: its time would have to be that of an earlier one again, which the margin has 5 s older than the pass, and times may have
 * steps of 2 s. What a pass lasts does not matter: where NTP slews the clock, it slews the one that it is compared with as well, see clock_gettime(2).
 */
const unnoticedMs = 1000;

/** Watches this host's clock for leaps, when it is set, and when the host was suspended. */
export class ClockWatch {
  /** Clock less steady time, ms, when the watch began or at the last leap. */
  #offsetMs: number;
  #leastOffsetMs: number;
  #onLeap: (leapMs: number) => void = () => undefined;

  /** @param steadyMs a clock that nobody sets, in ms since whenever (CLOCK_MONOTONIC, which stops while the host is suspended) */
  constructor(
    private readonly now: TransferContext['now'],
    private readonly steadyMs: () => number = () => performance.now(),
  ) {
    this.#offsetMs = this.now().getTime() - this.steadyMs();
    this.#leastOffsetMs = this.#offsetMs;
  }

  /** When a look notices a leap, nothing counts any more that was sent before it, and the log says so. */
  doubtAfterLeap(
    { sent, hashes }: { readonly sent: SentFiles; readonly hashes: DonorHashes | undefined },
    { emit }: Pick<TransferContext, 'emit'>,
  ): void {
    this.#onLeap = (leapMs) => {
      if (sent.size > 0) emit({ kind: 'notice', text: describeLeap(leapMs) });
      sent.doubt();
      hashes?.doubt();
    };
  }

  /**
   * To be called right before the files are looked at. Gives the time, ms since 1970, as the clock would show it without leaps forward since
   * the watch began: a write that was under way at one is as old by that as it is.
   */
  look(): number {
    const steadyMs = this.steadyMs();
    const offsetMs = this.now().getTime() - steadyMs;
    this.#leastOffsetMs = Math.min(this.#leastOffsetMs, offsetMs);
    const leapMs = offsetMs - this.#offsetMs;
    if (Math.abs(leapMs) > unnoticedMs) {
      this.#offsetMs = offsetMs;
      this.#onLeap(leapMs);
    }
    return steadyMs + this.#leastOffsetMs;
  }
}

function describeLeap(leapMs: number): string {
  const seconds = (Math.abs(leapMs) / 1000).toFixed(1);
  const how = leapMs > 0 ? 'forward (set, or the host was suspended)' : 'back';
  return `this host's clock has leapt ${seconds} s ${how}: what was sent before that counts as not sent`;
}
