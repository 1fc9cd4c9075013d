import type { RateLimit } from '../processes/rate-limit.js';
import { findReceivers } from '../processes/receivers.js';

/** How often to look for new connections while there is a limit, in ms: until it is found one is not held. */
const lookEveryMs = 20;

/**
 * Holds what a joiner's rsync daemons write to a rate, by the same means as on a donor, so that the donor's sockets fill
 * up. What the donor's own limit allows is not raised by it.
 * @param listenerPid the socat that has a child for each connection
 * @returns what ends it
 */
export function limitReceivers(listenerPid: number, rate: RateLimit): () => void {
  const limited = new Map<number, () => void>();
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    const receivers = findReceivers(listenerPid);
    for (const [pid, release] of limited) {
      if (receivers.some((receiver) => receiver.pid === pid)) continue;
      release();
      limited.delete(pid);
    }
    for (const { pid, socat } of receivers)
      if (!limited.has(pid))
        limited.set(
          pid,
          rate.add(pid, () => socat),
        );
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
    for (const release of limited.values()) release();
    limited.clear();
  };
  const follow = (): void => {
    if (rate.bytesPerSecond === 0) stop();
    else timer ??= setInterval(look, lookEveryMs);
  };
  const noLonger = rate.onSet(follow);
  follow();
  return () => {
    noLonger();
    stop();
  };
}
