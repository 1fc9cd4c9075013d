/** Bytes that a socket pair holds at most between rsync and socat (net.core.wmem_default). */
const pairBytes = 212_992;

/** Seconds at the full rate that may be saved up while nothing is sent, and that one stop may take. */
const mostSeconds = 0.4;
/** Seconds at the full rate that may be owed where a debt is paid in several stops, with a portion between them. */
const mostOwedSeconds = 5;
/** The longest stop, in ms. */
const longestStopMs = 250;
/** Of the rate, what portions between stops may take: more, and the debt would hardly shrink. */
const mostBetweenStops = 0.1;
/** Seconds at the full rate that a free run may go too far if this process is called as late again as it was lately. */
const tolerableSeconds = { usually: 0.25, whereTheValveIsTooSlow: 1 } as const;

/** Seconds at the full rate that a run is to be worth: each costs this process some looks, and peers notice no such pause. */
const worthSeconds = 0.05;

/** Timers are never exact: an open run is expected to last this much longer, in ms, however quiet the machine is. */
const leastLatenessMs = 3;

/** What there is to spend, and what is known of how fast it goes. */
export interface Budget {
  /** Bytes a second. */
  readonly rate: number;
  /** Bytes that may be sent now; negative for a debt. */
  readonly tokens: number;
  /** The most that one process has moved while the valve was closed behind it. */
  readonly quantumBytes: number;
  /** Bytes a millisecond of all processes together when nothing holds them. */
  readonly speed: number;
  /** How late this process has been called at worst lately, in ms. */
  readonly latenessMs: number;
  /** How late it is as a rule. */
  readonly usualLatenessMs: number;
}

/** What to do next, and for how long. */
export type Step =
  | { readonly kind: 'hold'; readonly ms: number }
  /** Let so many processes fill or empty their socket pair. */
  | { readonly kind: 'portion'; readonly processes: number; readonly ms: number }
  /** Let all of them run. */
  | { readonly kind: 'open'; readonly ms: number };

/** A budget for a new rate: nothing is owed. */
export function beginBudget(rate: number, before?: Budget): Budget {
  // A gigabyte a second until something slower was seen.
  const unknown = { quantumBytes: pairBytes, speed: 1e6, latenessMs: leastLatenessMs, usualLatenessMs: 0 };
  return { ...unknown, ...before, rate, tokens: 0 };
}

/** Time that has passed, and bytes that were sent in it. More debt than can be paid without a long standstill is forgiven. */
export function spend(budget: Budget, elapsedMs: number, sentBytes: number): Budget {
  const { rate, tokens, quantumBytes } = budget;
  const most = Math.max(mostSeconds * rate, quantumBytes);
  const mostOwed = paysInParts(budget) ? Math.max(mostOwedSeconds * rate, quantumBytes) : most;
  const left = tokens + (rate * elapsedMs) / 1000 - sentBytes;
  return { ...budget, tokens: Math.max(-mostOwed, Math.min(most, left)) };
}

/** Whether one portion after each of the longest stops is little beside the rate: a debt can then be paid without a standstill. */
function paysInParts({ rate, quantumBytes }: Budget): boolean {
  return (1000 * quantumBytes) / longestStopMs <= mostBetweenStops * rate;
}

/** How late a call came that was due after a certain time; what was learnt before fades within seconds. */
export function noteLateness(budget: Budget, lateMs: number, elapsedMs: number): Budget {
  const faded = budget.latenessMs * Math.exp(-elapsedMs / 3000);
  return {
    ...budget,
    latenessMs: Math.max(leastLatenessMs, lateMs, faded),
    usualLatenessMs: 0.95 * budget.usualLatenessMs + 0.05 * Math.max(0, lateMs),
  };
}

/** What `processes` moved through the valve. */
export function notePortion(budget: Budget, sentBytes: number, processes: number): Budget {
  const quantumBytes = Math.max(16_384, sentBytes / processes, budget.quantumBytes * 0.98);
  return { ...budget, quantumBytes };
}

/** What was moved while nothing was held. */
export function noteOpenRun(budget: Budget, sentBytes: number, elapsedMs: number): Budget {
  return { ...budget, speed: Math.max(1, sentBytes / Math.max(elapsedMs, 1), budget.speed * 0.9) };
}

/**
 * The next step from rest, which has lasted for `restedMs`. A process runs freely only where it cannot go much too far before this one is called again;
 * else through the valve, which lets no more pass than a socket pair holds however late that is.
 */
export function nextStep(budget: Budget, processes: number, restedMs = 0): Step {
  const { rate, tokens, quantumBytes, speed, latenessMs } = budget;
  const tooFarSeconds = (speed * latenessMs) / rate;
  const { usually, whereTheValveIsTooSlow } = tolerableSeconds;
  const isRisky =
    tooFarSeconds > (valveRate(budget, processes) > 1.2 * rate ? usually : whereTheValveIsTooSlow);
  const worthIt = isRisky
    ? Math.min(worthSeconds * rate, (processes * quantumBytes) / 2)
    : worthSeconds * rate;
  if (tokens <= worthIt) {
    // One at a time, so that a peer sees now and then that it is not forgotten.
    if (restedMs >= longestStopMs && paysInParts(budget)) return { kind: 'portion', processes: 1, ms: 1 };
    return { kind: 'hold', ms: between(1, ((worthIt - tokens) / rate) * 1000, longestStopMs) };
  }
  if (!isRisky) return { kind: 'open', ms: between(2, tokens / speed, 50) };
  const chosen = between(1, Math.ceil(tokens / quantumBytes), processes);
  return { kind: 'portion', processes: chosen, ms: tokens > chosen * quantumBytes ? 1 : 3 };
}

/** Bytes a second that the valve can let pass: it is turned twice for each portion, a timer's millisecond each time. */
function valveRate({ quantumBytes, usualLatenessMs }: Budget, processes: number): number {
  return (1000 * processes * quantumBytes) / (2 * (1 + usualLatenessMs));
}

function between(least: number, value: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
