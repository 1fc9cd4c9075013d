import type { StreamProgress } from '../events.js';
import { bytesRead, bytesWritten } from '../processes/proc.js';
import { findReceivers } from '../processes/receivers.js';

/**
 * Counts what the joiner's rsync daemons have received. Sizes on disk would not tell: files are written in place and may
 * have holes. What a receiver has read is the files' contents and less than a thousandth more (3.5.0); where they come
 * compressed, what it has written is. What has passed between the last look and its end stays uncounted.
 * @param listenerPid the socat that has a child for each connection
 */
export function countReceived(listenerPid: number): () => readonly StreamProgress[] {
  const streams = new Map<number, StreamProgress>();
  return () => {
    const receivers = findReceivers(listenerPid).map(({ pid }) => pid);
    for (const [pid, stream] of streams)
      if (!receivers.includes(pid)) streams.set(pid, { ...stream, pid: undefined });
    for (const pid of receivers) {
      const before = streams.get(pid);
      streams.set(pid, {
        name: before?.name ?? `connection ${streams.size + 1}`,
        doneBytes: Math.max(bytesRead(pid) ?? 0, bytesWritten(pid) ?? 0, before?.doneBytes ?? 0),
        pid,
      });
    }
    return [...streams.values()];
  };
}
