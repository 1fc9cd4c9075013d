import { nearMs } from '../certificates/probe.js';
import { setsCongestion, type SocketOptions } from '../config/tls.js';
import { congestionControl, type CongestionControl } from '../processes/congestion-control.js';

/** What Linux had before there was BBR, the best first. */
const unpaced = ['cubic', 'reno'];

/** Another congestion control than the system's, and why. */
export interface Congestion {
  readonly algorithm: string;
  readonly reason: string;
}

/**
 * Chooses TCP's congestion control for what a donor sends. BBR, made for long ways, sends each connection's packets by a clock of its
 * own. Between two nodes that are near, processors are the limit, not the link, and there this clock costs 0.3 of what socat and
 * the kernel need for a copy (Linux 6.18, socat 1.7.4.4), more where the processor is shared: what is not asked for in time is not
 * sent, and counts as a slow link. Anything else that the system has set is kept, and so is what `sockopt` sets.
 * @returns undefined: as the system has it
 */
export function chooseCongestion(
  connectMs: number,
  sockopt: SocketOptions,
  { usual, allowed }: CongestionControl = congestionControl(),
): Congestion | undefined {
  if (!usual.startsWith('bbr') || connectMs >= nearMs) return undefined;
  if (setsCongestion(sockopt)) return undefined;
  const algorithm = unpaced.find((name) => allowed.includes(name));
  if (algorithm === undefined) return undefined;
  return {
    algorithm,
    reason: `TCP's congestion control is ${algorithm} for this transfer, not the system's ${usual}: the joiner is near, and there ${usual} costs processor time`,
  };
}
