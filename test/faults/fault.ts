import type { ErrorCode } from '../../src/errors.js';
import type { LabNode } from '../lab/index.js';
import type { NodeProcess, Stage } from './stage.js';

export type Side = 'donor' | 'joiner';

export const sides: readonly Side[] = ['donor', 'joiner'];

/** When a fault strikes: so many ms after a line was logged. */
export const moments = {
  'before ready': ['joiner', /phase: checking/, 0],
  handshake: ['donor', /phase: handshake/, 0],
  // Streams need a moment until bytes move.
  'unlocked pass': ['donor', /pass 1 stream \d: /, 500],
  lock: ['donor', /phase: waiting for lock/, 0],
  'locked pass': ['donor', /copy stream \d: /, 300],
  'final file': ['donor', /phase: finishing/, 0],
  verification: ['joiner', /phase: verifying/, 0],
} as const satisfies Record<string, readonly [Side, RegExp, number]>;

export type Moment = keyof typeof moments;

export const allMoments = Object.keys(moments) as readonly Moment[];

/** Moments from the first in which files move. */
export const sinceCopying: readonly Moment[] = allMoments.slice(2);

/** What is behind a transfer that failed, as whoever can say it has to. */
export interface RootCause {
  /** Where the side that was struck can say it: its code. Where it cannot, or its peer was not told: the other's. */
  readonly codes: readonly ErrorCode[];
  readonly says?: RegExp;
}

/** Something that goes wrong. */
export interface Fault {
  readonly name: string;
  /** When it is tried, on which side; what is left out has its reason in `without`. */
  readonly at: Partial<Record<Side, readonly Moment[]>>;
  /** Why a side or moment is left out. */
  readonly without: string;
  /** Gives how many processes, connections or files it has hit. */
  readonly strike: (stage: Stage, node: LabNode) => number | Promise<number>;
  /** Absent where the transfer must not fail. */
  readonly cause?: RootCause;
  /** How long it lasts by itself. */
  readonly lastsSeconds?: number;
  /** Both sides' `sst-idle-timeout` and `sst-initial-timeout`, where they are to be longer than it lasts. */
  readonly limitSeconds?: number;
  /** Sets things right again; the joiner's server has been ended before. */
  readonly mend?: (stage: Stage, node: LabNode) => void | Promise<void>;
  /** It is there before the transfer begins. */
  readonly isBeforehand?: boolean;
  /** The transfer goes on as if nothing had happened; with a `cause` it may fail for that, too. */
  readonly isHarmless?: boolean;
  /** Nobody is told: only a time limit finds out. */
  readonly isSilent?: boolean;
  /** The side that it strikes cannot say anything any more; `transfer`: nor clean up what is in the data directory. */
  readonly mutes?: 'log' | 'host';
  /** The side's processes are still there, until it is mended. */
  readonly freezes?: boolean;
  /** No word gets from one side to the other: each says what it sees. */
  readonly parts?: boolean;
  /** The side that it does not strike has no way to know why. */
  readonly isUntold?: boolean;
  readonly throughAgents?: boolean;
  /** The servers are to bear with each other as long as it lasts. */
  readonly takesPatience?: boolean;
}

/** Sends the processes a signal; gives how many were still there. */
export function signalAll(found: readonly NodeProcess[], signal: NodeJS.Signals): number {
  let hits = 0;
  for (const { pid } of found) {
    try {
      process.kill(pid, signal);
      hits += 1;
    } catch {
      // It has ended by itself.
    }
  }
  return hits;
}
