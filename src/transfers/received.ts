import type { StreamProgress } from '../events.js';
import { bytesRead, bytesWritten, childrenOf, nameOf } from '../processes/proc.js';

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

/** A process that reads a connection and writes files. */
export interface Receiver {
  readonly pid: number;
  /** It speaks through this one. */
  readonly socat: number;
}

/** What the search for receivers asks about processes. */
export interface ProcessTree {
  readonly childrenOf: (pid: number) => readonly number[];
  readonly nameOf: (pid: number) => string | undefined;
}

/**
 * Finds them among the descendants of a listener. An rsync that receives is two processes, of which the child reads the
 * connection and writes the files (3.5.0); above them are a shell and the connection's socat.
 */
export function findReceivers(
  listenerPid: number,
  tree: ProcessTree = { childrenOf, nameOf },
): readonly Receiver[] {
  const below = (pid: number, socat: number, isRsync: boolean): Receiver[] =>
    tree.childrenOf(pid).flatMap((child) => {
      const isRsyncToo = tree.nameOf(child) === 'rsync';
      return isRsync && isRsyncToo ? [{ pid: child, socat }] : below(child, socat, isRsyncToo);
    });
  return tree.childrenOf(listenerPid).flatMap((socat) => below(socat, socat, false));
}
