import type { HeartbeatGuard } from '../processes/heartbeat.js';

/** The default of `sst-idle-timeout`, for a script that does not read its options, or has no such limit. */
const usualIdleMs = 120_000;

/** A process that is merely busy is not meant. */
const leastMs = 10_000;
const marginMs = 3000;

/** For how long a script may stand still while its server is locked. */
export function standstillLimit(idleTimeoutMs: number): number {
  return Math.max(idleTimeoutMs === 0 ? usualIdleMs : idleTimeoutMs, leastMs) + marginMs;
}

/**
 * Writes lines to the server, and has a guard look after this process between `flush tables` and what ends the lock: a script that is
 * stopped would keep its server locked for ever. The server unlocks itself when its script has ended (10.11.19).
 */
export function guardingLock(
  writeLine: (line: string) => void,
  startGuard: () => Promise<HeartbeatGuard>,
): (line: string) => void {
  let guard: Promise<HeartbeatGuard> | undefined;
  return (line) => {
    // Before the server can begin to flush.
    if (line === 'flush tables') {
      guard ??= startGuard();
      guard.catch(() => undefined);
    }
    writeLine(line);
    if (!endsLock(line)) return;
    guard?.then((started) => started.dismiss()).catch(() => undefined);
    guard = undefined;
  };
}

/** Whether a line has the server write again. */
export function endsLock(line: string): boolean {
  return line === 'continue' || line.startsWith('done ');
}
