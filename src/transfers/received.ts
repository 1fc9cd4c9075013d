import type { StreamProgress } from '../events.js';
import { bytesRead, processesOf, type GroupProcess } from '../processes/proc.js';

/**
 * Counts what the joiner's rsync daemons have received. Sizes on disk would not tell: files are written in place and may
 * have holes. An rsync that receives is two processes, of which the child reads the connection and writes the files
 * (3.5.0); what it has read is the files' contents and less than a thousandth more. What a process has read between
 * the last look and its end stays uncounted.
 * @param listenerPid leader of the process group that all daemons belong to
 */
export function countReceived(listenerPid: number): () => readonly StreamProgress[] {
  const streams = new Map<number, StreamProgress>();
  return () => {
    const receivers = receiversAmong(processesOf(listenerPid));
    for (const [pid, stream] of streams)
      if (!receivers.includes(pid)) streams.set(pid, { ...stream, pid: undefined });
    for (const pid of receivers) {
      const before = streams.get(pid);
      streams.set(pid, {
        name: before?.name ?? `connection ${streams.size + 1}`,
        doneBytes: bytesRead(pid) ?? before?.doneBytes ?? 0,
        pid,
      });
    }
    return [...streams.values()];
  };
}

/** An rsync whose parent is an rsync. */
export function receiversAmong(processes: readonly GroupProcess[]): number[] {
  const rsyncs = processes.filter(({ name }) => name === 'rsync');
  return rsyncs.filter(({ parentPid }) => rsyncs.some(({ pid }) => pid === parentPid)).map(({ pid }) => pid);
}
