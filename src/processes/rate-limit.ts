import { bytesWritten, childrenOf, nameOf } from './proc.js';
import { beginBudget, nextStep, noteLateness, noteOpenRun, notePortion, spend } from './rate-budget.js';

/** The lowest rate: a socket pair holds more than 200 KiB, and peers give up a connection that stands still. */
export const lowestRate = 65_536;

/**
 * Holds the rsyncs that move files to a common rate, which may change while they run: a token bucket that is filled by
 * time and emptied by what the kernel counts as written (`wchar` of /proc/PID/io, sockets included).
 *
 * At rest an rsync is stopped and its socat runs (SIGSTOP, SIGCONT). Where this process could be called too late to stop
 * an rsync in time, it is let run only while its socat is stopped instead: then no more can pass than their socket pair
 * holds, whenever this process is called again. The guard of a group is never stopped: it could not end the group.
 */
export interface RateLimit {
  /** Bytes per second that are shared; 0 for no limit. */
  readonly bytesPerSecond: number;
  set(bytesPerSecond: number): void;
  /** Calls back after each `set`; gives what ends it. */
  onSet(listener: () => void): () => void;
  /**
   * Begins to count an rsync; gives what ends it.
   * @param findSocat its partner in the socket pair; default: the one that it has started
   */
  add(pid: number, findSocat?: () => number | undefined): () => void;
}

/** How long an rsync may run freely until its socat is found, in ms: it has not begun to send by then. */
const settleMs = 1000;

/** An rsync under the limit. */
interface Flow {
  readonly pid: number;
  readonly findSocat: () => number | undefined;
  readonly sinceMs: number;
  socat: number | undefined;
  written: number;
  /** Settled ones can be held: their guard is there, and their socat known. */
  isSettled: boolean;
  /** What it was told last: nothing is said twice. */
  told: 'run' | 'run by portions' | 'stop';
  /** Since it was told to stop: it writes no more. */
  isCounted: boolean;
  lastRunMs: number;
}

/** A limit without processes yet. */
export function createRateLimit(bytesPerSecond = 0): RateLimit {
  const flows = new Set<Flow>();
  const listeners = new Set<() => void>();
  let budget = beginBudget(bytesPerSecond);
  let timer: NodeJS.Timeout | undefined;
  let running: readonly Flow[] = [];
  let state: 'open' | 'portion' | 'held' = 'open';
  let lastMs = performance.now();
  let dueMs = lastMs;
  let restMs = lastMs;
  let patience = 1;

  const settled = (): Flow[] => [...flows].filter(({ isSettled }) => isSettled);
  const next = (ms: number): void => {
    // A new rsync is not to send much before it is held.
    const soon = [...flows].some(({ isSettled }) => !isSettled) ? Math.min(ms, 5) : ms;
    dueMs = performance.now() + soon;
    timer = setTimeout(look, soon);
  };
  const look = (): void => {
    const nowMs = performance.now();
    const elapsedMs = nowMs - lastMs;
    lastMs = nowMs;
    for (const flow of flows) settle(flow, nowMs);
    const sent = countNew([...flows].filter(({ told, isCounted }) => told !== 'stop' || !isCounted));
    budget = spend(noteLateness(budget, nowMs - dueMs, elapsedMs), elapsedMs, sent);
    if (state === 'portion') {
      budget = notePortion(budget, sent, Math.max(1, running.length));
      // Who has nothing to say now may wait for an answer that its socat has to bring.
      patience = sent === 0 ? Math.min(8, 2 * patience) : 1;
      hold();
      next(budget.tokens > budget.quantumBytes ? patience : 2 * patience);
      return;
    }
    if (state === 'open') budget = noteOpenRun(budget, sent, elapsedMs);
    act();
  };
  const act = (): void => {
    const all = settled();
    const step = nextStep(budget, all.length, state === 'held' ? performance.now() - restMs : 0);
    if (all.length === 0) {
      next(50);
      return;
    }
    switch (step.kind) {
      case 'hold':
        hold();
        next(step.ms);
        return;
      case 'open':
        open();
        next(step.ms);
        return;
      case 'portion':
        // Those first that have waited longest.
        running = all.sort((one, other) => one.lastRunMs - other.lastRunMs).slice(0, step.processes);
        portion();
        next(step.ms * patience);
    }
  };
  const hold = (): void => {
    for (const flow of settled()) {
      if (flow.told === 'stop') continue;
      signal(flow.pid, 'SIGSTOP');
      signal(flow.socat, 'SIGCONT');
      flow.told = 'stop';
      flow.isCounted = false;
    }
    if (state !== 'held') restMs = performance.now();
    state = 'held';
  };
  const portion = (): void => {
    hold();
    for (const flow of running) {
      signal(flow.socat, 'SIGSTOP');
      signal(flow.pid, 'SIGCONT');
      flow.told = 'run by portions';
      flow.lastRunMs = performance.now();
    }
    state = 'portion';
  };
  const open = (): void => {
    for (const flow of settled()) goOn(flow);
    state = 'open';
  };
  const work = (): void => {
    if (budget.rate === 0 || flows.size === 0) {
      clearTimeout(timer);
      timer = undefined;
      open();
      return;
    }
    if (timer !== undefined) return;
    lastMs = performance.now();
    countNew(flows);
    next(1);
  };

  return {
    get bytesPerSecond() {
      return budget.rate;
    },
    set: (rate) => {
      // What one rate has forbidden another may allow.
      budget = beginBudget(rate === 0 ? 0 : Math.max(rate, lowestRate), budget);
      clearTimeout(timer);
      timer = undefined;
      work();
      for (const listener of listeners) listener();
    },
    onSet: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    add: (pid, findSocat = () => findStartedSocat(pid)) => {
      const nowMs = performance.now();
      const written = bytesWritten(pid) ?? 0;
      const flow: Flow = {
        ...{ pid, findSocat, written, sinceMs: nowMs, lastRunMs: 0 },
        ...{ socat: undefined, isSettled: false, told: 'run', isCounted: false },
      };
      flows.add(flow);
      if (timer !== undefined && dueMs > nowMs + 5) {
        clearTimeout(timer);
        next(5);
      }
      work();
      return () => {
        flows.delete(flow);
        goOn(flow);
        work();
      };
    },
  };
}

/** The socat that a process has started, through a shell that waits for its end (plan/tunnel.ts) or by itself. */
export function findStartedSocat(pid: number): number | undefined {
  for (const child of childrenOf(pid)) {
    const name = nameOf(child);
    const found = name === 'socat' ? child : name === 'sh' ? findStartedSocat(child) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** An rsync that has started its socat has left the shell behind that starts its guard. */
function settle(flow: Flow, nowMs: number): void {
  if (flow.isSettled) return;
  flow.socat = flow.findSocat();
  flow.isSettled = flow.socat !== undefined || nowMs - flow.sinceMs > settleMs;
}

function goOn(flow: Flow): void {
  if (flow.told === 'run') return;
  signal(flow.pid, 'SIGCONT');
  signal(flow.socat, 'SIGCONT');
  flow.told = 'run';
}

function countNew(flows: Iterable<Flow>): number {
  let sum = 0;
  for (const flow of flows) {
    const now = bytesWritten(flow.pid) ?? flow.written;
    sum += now - flow.written;
    flow.written = now;
    flow.isCounted = true;
  }
  return sum;
}

function signal(pid: number | undefined, name: 'SIGSTOP' | 'SIGCONT'): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}
