import type { ErrorCode } from '../errors.js';
import type { Phase, StreamProgress, TransferEvent } from '../events.js';
import { cut } from './cut.js';
import { beginRate, bytesPerSecond, sampleRate, type Rate } from './rate.js';

/** How a transfer ended. */
export type TransferOutcome =
  | { readonly kind: 'copied'; readonly bytes: number; readonly files: number; readonly seconds: number }
  /** No copy was needed: an incremental state transfer followed. */
  | { readonly kind: 'bypassed' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string; readonly hint: string };

/** One stream of files, as shown to people. */
export interface StreamStatus {
  readonly name: string;
  readonly bytesDone: number;
  readonly bytesExpected?: number | undefined;
  /** The process that reads or writes the files. */
  readonly pid?: number | undefined;
  /** The file in progress, filled in when somebody asks: see files-in-progress.ts. */
  readonly file?: string | undefined;
}

/** All that is known of a transfer at one moment; plain JSON. */
export interface TransferStatus {
  readonly id: string;
  readonly role: 'joiner' | 'donor';
  /** As Galera hands it to the donor: where the joiner listens. */
  readonly address: string;
  /** The other side; on a joiner unknown until a donor has come. */
  readonly peer?: string | undefined;
  readonly dataDir: string;
  readonly version: string;
  readonly phase: Phase;
  readonly bytesDone: number;
  readonly bytesExpected?: number | undefined;
  /** Never falls; 100 only when all has passed. */
  readonly percent?: number | undefined;
  /** Smoothed; after the end the mean of the whole. */
  readonly ratePerSecond?: number | undefined;
  readonly etaSeconds?: number | undefined;
  readonly streams: readonly StreamStatus[];
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt?: string | undefined;
  readonly ageSeconds: number;
  /** How long the donor's server has been locked; a joiner learns it at the end. */
  readonly lockSeconds: number;
  /** Undefined while the transfer runs. */
  readonly outcome?: TransferOutcome | undefined;
}

/** What the reducer carries from event to event. */
export interface TransferState {
  readonly started: Extract<TransferEvent, { kind: 'started' }>;
  readonly startedMs: number;
  readonly endedMs?: number | undefined;
  readonly phase: Phase;
  readonly bytesDone: number;
  readonly bytesExpected?: number | undefined;
  readonly percent?: number | undefined;
  readonly rate?: Rate | undefined;
  readonly streams: readonly StreamProgress[];
  /** Who has come to this joiner. */
  readonly donor?: string | undefined;
  readonly lockedSinceMs?: number | undefined;
  readonly lockedMs: number;
  readonly outcome?: TransferOutcome | undefined;
}

/** The next state; undefined before the transfer has started. */
export function reduceTransfer(
  state: TransferState | undefined,
  event: TransferEvent,
  atMs: number,
): TransferState | undefined {
  if (event.kind === 'started') {
    return { started: event, startedMs: atMs, phase: 'checking', bytesDone: 0, streams: [], lockedMs: 0 };
  }
  return state === undefined ? undefined : advance(state, event, atMs);
}

function advance(
  state: TransferState,
  event: Exclude<TransferEvent, { kind: 'started' }>,
  atMs: number,
): TransferState {
  switch (event.kind) {
    case 'phase':
      return {
        ...state,
        phase: event.phase,
        percent: percentOf({ ...state, phase: event.phase }),
        // The time between two passes over the files tells nothing of the rate.
        rate:
          event.phase === 'copying' && state.rate !== undefined
            ? { ...state.rate, lastMs: atMs }
            : state.rate,
      };
    case 'donor':
      return { ...state, donor: event.peer };
    case 'progress':
      return takeProgress(state, event, atMs);
    case 'lock':
      return takeLock(state, event.held, atMs);
    case 'finished':
      return finish(state, event, atMs);
    case 'failed': {
      const { code, message, hint } = event.error;
      return end(state, { kind: 'failed', code, message: cut(message), hint }, atMs);
    }
    case 'notice':
    case 'finding':
    case 'command':
    case 'child output':
    case 'child ended':
      return state;
  }
}

function takeProgress(
  state: TransferState,
  { doneBytes, totalBytes, streams }: Extract<TransferEvent, { kind: 'progress' }>,
  atMs: number,
): TransferState {
  const bytesDone = Math.max(state.bytesDone, doneBytes);
  const next = { ...state, bytesDone, bytesExpected: totalBytes, streams };
  return { ...next, percent: percentOf(next), rate: rateAfter(state.rate, atMs, bytesDone) };
}

/** While files move another pass over them may follow: that is not the end yet. */
const mostWhileCopying = 99.9;

function percentOf({ phase, bytesDone, bytesExpected, percent }: TransferState): number | undefined {
  if (bytesExpected === undefined) return percent;
  const most = phase === 'finishing' || phase === 'verifying' || phase === 'done' ? 100 : mostWhileCopying;
  const share = bytesExpected === 0 ? 100 : (100 * bytesDone) / bytesExpected;
  return Math.max(percent ?? 0, Math.min(most, share));
}

/** The clock starts with the first bytes: connections take a while to be made, and on a joiner more than on a donor. */
function rateAfter(rate: Rate | undefined, atMs: number, bytesDone: number): Rate | undefined {
  if (rate !== undefined) return sampleRate(rate, atMs, bytesDone);
  return bytesDone === 0 ? undefined : beginRate(atMs, bytesDone);
}

function takeLock(state: TransferState, held: boolean, atMs: number): TransferState {
  if (held) return { ...state, lockedSinceMs: state.lockedSinceMs ?? atMs };
  const { lockedSinceMs, lockedMs } = state;
  return {
    ...state,
    lockedSinceMs: undefined,
    lockedMs: lockedMs + (lockedSinceMs === undefined ? 0 : atMs - lockedSinceMs),
  };
}

function finish(
  state: TransferState,
  {
    bypass,
    bytes,
    files,
    seconds,
    lockSeconds,
    donorLockSeconds = lockSeconds,
  }: Extract<TransferEvent, { kind: 'finished' }>,
  atMs: number,
): TransferState {
  if (bypass) return end(state, { kind: 'bypassed' }, atMs);
  // More than the copy's size if some of it had to be sent again, less if some was there before.
  const bytesDone = Math.max(state.bytesDone, state.bytesExpected ?? bytes);
  const lockedMs = donorLockSeconds === undefined ? state.lockedMs : 1000 * donorLockSeconds;
  const whole = { ...state, bytesDone, bytesExpected: bytesDone, percent: 100, lockedMs };
  return end(whole, { kind: 'copied', bytes, files, seconds }, atMs);
}

/** The server gives up its lock when the script ends, whatever was said. A first outcome stays: what follows it is clean-up. */
function end(state: TransferState, outcome: TransferOutcome, atMs: number): TransferState {
  const unlocked = takeLock(state, false, atMs);
  return {
    ...unlocked,
    streams: [],
    endedMs: atMs,
    outcome: outcome.kind === 'failed' ? outcome : (state.outcome ?? outcome),
  };
}

/** The state as shown to people and programs; ages count up to `nowMs`. */
export function statusOf(state: TransferState, nowMs: number): TransferStatus {
  const { started, outcome } = state;
  const untilMs = state.endedMs ?? nowMs;
  const lockedMs = state.lockedMs + (state.lockedSinceMs === undefined ? 0 : untilMs - state.lockedSinceMs);
  const ratePerSecond = rateOf(state);
  return {
    id: started.id,
    role: started.role,
    address: started.address,
    peer: started.role === 'donor' ? started.address : state.donor,
    dataDir: started.dataDir,
    version: started.version,
    phase: state.phase,
    bytesDone: state.bytesDone,
    bytesExpected: state.bytesExpected,
    percent: state.percent,
    ratePerSecond,
    etaSeconds: etaOf(state, ratePerSecond, nowMs),
    streams: state.streams.map(({ name, doneBytes, totalBytes, pid }) => ({
      name,
      bytesDone: doneBytes,
      bytesExpected: totalBytes,
      pid,
    })),
    startedAt: new Date(state.startedMs).toISOString(),
    endedAt: state.endedMs === undefined ? undefined : new Date(state.endedMs).toISOString(),
    ageSeconds: (untilMs - state.startedMs) / 1000,
    lockSeconds: lockedMs / 1000,
    outcome,
  };
}

function rateOf({ outcome, rate, phase, bytesDone }: TransferState): number | undefined {
  if (outcome?.kind === 'copied') return outcome.seconds > 0 ? bytesDone / outcome.seconds : undefined;
  return rate === undefined || outcome !== undefined || phase !== 'copying'
    ? undefined
    : bytesPerSecond(rate);
}

/** The time that the last sample gives, less what has passed since. */
function etaOf(state: TransferState, ratePerSecond: number | undefined, nowMs: number): number | undefined {
  const { bytesExpected, bytesDone, rate, outcome } = state;
  if (outcome !== undefined || bytesExpected === undefined || rate === undefined) return undefined;
  if (ratePerSecond === undefined || ratePerSecond <= 0) return undefined;
  return Math.max(0, (bytesExpected - bytesDone) / ratePerSecond - (nowMs - rate.lastMs) / 1000);
}
