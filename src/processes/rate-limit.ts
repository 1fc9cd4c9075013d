import { readFileSync } from 'node:fs';

/** How long a process runs at least before it is looked at again, and at most; it is stopped in between. */
const tickMs = { least: 5, most: 100 } as const;

/** Bytes that may be saved up while nothing is sent, as time at the full rate. */
const burstMs = 200;

/** The lowest rate: rsync reads and sends 256 KiB at a time, and peers give up a connection that stands still. */
export const lowestRate = 65_536;

/**
 * Holds the processes that send to a common rate, which may change while they run: a token bucket that is filled by
 * time and emptied by what the kernel counts as written (`wchar` of /proc/PID/io, sockets included). A process that is
 * ahead is stopped and goes on later (SIGSTOP, SIGCONT). Only rsync itself is stopped: a stopped guard could not end
 * its group.
 */
export interface RateLimit {
  /** Bytes per second that are shared; 0 for no limit. */
  readonly bytesPerSecond: number;
  set(bytesPerSecond: number): void;
  /** Begins to count a process; gives what ends it. */
  add(pid: number): () => void;
}

/** A limit without processes yet. */
export function createRateLimit(bytesPerSecond = 0): RateLimit {
  const written = new Map<number, number>();
  let rate = bytesPerSecond;
  let tokens = 0;
  let lastMs = performance.now();
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;

  const signalAll = (name: 'SIGSTOP' | 'SIGCONT'): void => {
    for (const pid of written.keys()) signal(pid, name);
    isStopped = name === 'SIGSTOP';
  };
  const look = (): void => {
    const nowMs = performance.now();
    const elapsedMs = nowMs - lastMs;
    lastMs = nowMs;
    const sent = countNew(written);
    tokens = refill(tokens, { rate, elapsedMs, sent });
    const isAhead = tokens < 0;
    // Every time, also for those that have come since.
    if (isAhead) signalAll('SIGSTOP');
    else if (isStopped) signalAll('SIGCONT');
    timer = setTimeout(look, nextLookMs({ tokens, rate, sent, elapsedMs, isStopped: isAhead }));
  };
  const rest = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (isStopped) signalAll('SIGCONT');
  };
  const work = (): void => {
    if (rate === 0 || written.size === 0) {
      rest();
      return;
    }
    if (timer !== undefined) return;
    tokens = 0;
    lastMs = performance.now();
    countNew(written);
    timer = setTimeout(look, tickMs.least);
  };

  return {
    get bytesPerSecond() {
      return rate;
    },
    set: (next) => {
      rate = next === 0 ? 0 : Math.max(next, lowestRate);
      // What one rate has forbidden another may allow.
      tokens = Math.max(tokens, 0);
      work();
    },
    add: (pid) => {
      written.set(pid, bytesWritten(pid) ?? 0);
      work();
      return () => {
        written.delete(pid);
        if (isStopped) signal(pid, 'SIGCONT');
        work();
      };
    },
  };
}

/** The bucket after some time: it never holds more than a short burst, and may be in debt. */
export function refill(
  tokens: number,
  step: { readonly rate: number; readonly elapsedMs: number; readonly sent: number },
): number {
  const most = (step.rate * burstMs) / 1000;
  return Math.min(most, tokens + (step.rate * step.elapsedMs) / 1000 - step.sent);
}

/** When to look again: when a debt is paid, or when the bucket is empty at the speed seen last. */
export function nextLookMs(state: {
  readonly tokens: number;
  readonly rate: number;
  readonly sent: number;
  readonly elapsedMs: number;
  readonly isStopped: boolean;
}): number {
  const { tokens, rate, sent, elapsedMs, isStopped } = state;
  const speed = sent / Math.max(elapsedMs, 1);
  const ms = isStopped ? (-tokens / rate) * 1000 : speed === 0 ? tickMs.most : tokens / speed;
  return Math.min(tickMs.most, Math.max(tickMs.least, ms));
}

function countNew(written: Map<number, number>): number {
  let sum = 0;
  for (const [pid, before] of written) {
    const now = bytesWritten(pid) ?? before;
    sum += now - before;
    written.set(pid, now);
  }
  return sum;
}

function bytesWritten(pid: number): number | undefined {
  try {
    return Number(/^wchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0);
  } catch {
    return undefined;
  }
}

function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}
