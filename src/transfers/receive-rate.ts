import { processesOf } from '../processes/proc.js';
import type { RateLimit } from '../processes/rate-limit.js';
import { receiversAmong } from './received.js';

/** How often to look for new connections while there is a limit, in ms. */
const lookEveryMs = 200;

/**
 * Holds what a joiner's rsync daemons write to a rate, by the same means as on a donor: they are stopped for moments,
 * and the donor's sockets fill up. What the donor's own limit allows is not raised by it.
 * @param listenerPid leader of the process group that all daemons belong to
 * @returns what ends it
 */
export function limitReceivers(listenerPid: number, rate: RateLimit): () => void {
  const limited = new Map<number, () => void>();
  const timer = setInterval(() => {
    if (rate.bytesPerSecond === 0 && limited.size === 0) return;
    const receivers = receiversAmong(processesOf(listenerPid));
    for (const [pid, release] of limited) {
      if (receivers.includes(pid)) continue;
      release();
      limited.delete(pid);
    }
    for (const pid of receivers) if (!limited.has(pid)) limited.set(pid, rate.add(pid));
  }, lookEveryMs);
  return () => {
    clearInterval(timer);
    for (const release of limited.values()) release();
  };
}
