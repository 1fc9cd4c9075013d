import { TransferError } from '../errors.js';
import { connectionOf, type Connection, type ConnectionEnd, type ConnectionEnds } from './connection-ends.js';
import type { LostDonor } from './lost-donor.js';

/** The connections that the donor has opened. */
export interface DonorConnections {
  /** The daemon's process `pid` has let the donor in. */
  opened(pid: number): void;
  /** Undefined where that process had ended before it was looked at. */
  of(pid: number): Connection | undefined;
  isAnyOpen(): boolean;
}

export function donorConnections(ends: ConnectionEnds, listenerPid: number | undefined): DonorConnections {
  const connections = new Map<number, Connection>();
  return {
    opened: (pid) => {
      const connection = listenerPid === undefined ? undefined : connectionOf(pid, listenerPid);
      // Pids are given away again, often where there are few (containers).
      connections.delete(pid);
      if (connection === undefined) return;
      ends.forget(connection);
      connections.set(pid, connection);
    },
    of: (pid) => connections.get(pid),
    isAnyOpen: () => [...connections.values()].some((connection) => ends.isOpen(connection)),
  };
}

/** Finds out why connections of the donor broke. */
export interface BrokenConnections {
  /** The daemon's process `pid` says that its connection broke; `isForked`: while files came. */
  broke(text: string, pid: number, isForked: boolean): void;
  /** Resolves when it is known of all that broke. */
  settled(): Promise<void>;
}

/**
 * A connection that a killed process of this side served ends the transfer at once where files came through it. Where it was waiting for
 * their names the donor can do without it.
 */
export function judgeBroken(
  ends: ConnectionEnds,
  connections: DonorConnections,
  lost: Pick<LostDonor, 'note' | 'noteIdle'>,
  fail: (error: TransferError) => void,
): BrokenConnections {
  const pending = new Set<Promise<void>>();
  const judge = async (text: string, connection: Connection, isForked: boolean): Promise<void> => {
    const end = await ends.whatEnded(connection);
    const own = ownDeath(end, text);
    if (end?.kind === 'peer' && !isForked) lost.noteIdle(text);
    else if (own === undefined) lost.note(text);
    else if (isForked) fail(own);
    else lost.note(text, own);
  };
  return {
    broke: (text, pid, isForked) => {
      const connection = connections.of(pid);
      if (connection === undefined) {
        lost.note(text);
        return;
      }
      const judging = judge(text, connection, isForked).finally(() => pending.delete(judging));
      pending.add(judging);
    },
    settled: async () => {
      await Promise.all(pending);
    },
  };
}

/** The error for what ended a connection, if it was something of this side. */
function ownDeath(end: ConnectionEnd | undefined, text: string): TransferError | undefined {
  switch (end?.kind) {
    case 'killed': {
      const how = end.signal === undefined ? 'was killed' : `was ended by ${end.signal}`;
      return new TransferError('CHILD_FAILED', `the socat of a connection ${how}`, { hint });
    }
    case 'program':
      return new TransferError(
        'CHILD_FAILED',
        `a process of a connection's rsync was killed or has crashed, while the donor was connected: ${text}`,
        { hint },
      );
    case 'peer':
    case undefined:
      return undefined;
  }
}

const hint =
  "look for the kernel's reason (dmesg: out of memory?), or for who ended it, and let the node join again";
