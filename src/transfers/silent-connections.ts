import type { EmitEvent } from '../events.js';
import { treeOf, type GroupProcess } from '../processes/proc.js';

/** How long a connection may take to shake hands, in ms, and how many that have not logged in are a crowd. */
export interface SilenceLimits {
  readonly usualMs: number;
  /** A donor gives up on its own handshake after 10 s (`sst-connect-timeout`): it must get its turn before. */
  readonly crowdedMs: number;
  /** More than the streams of any donor. */
  readonly crowd: number;
  readonly lookEveryMs: number;
}

const usualLimits: SilenceLimits = { usualMs: 10_000, crowdedMs: 3000, crowd: 80, lookEveryMs: 1000 };

/** Keeps strangers who connect and say nothing from taking up the listener's connections. */
export interface SilentConnections {
  /** Somebody has connected. */
  connected(): void;
  stop(): void;
}

/**
 * Ends the listener's connections that do not come through their TLS handshake, and in a crowd those as well that have come through it and
 * do not log in: socat (1.7.4.4, 1.8) and rsync's daemon (3.5.0) have no limit of their own for it. (SO_RCVTIMEO would limit it, and
 * afterwards end every connection whose network stalls for as long.)
 * @param listenerPid the listener, leader of its process group
 * @param isLetIn whether a process serves a donor that has logged in
 */
export function endSilentConnections(
  listenerPid: number,
  isLetIn: (pid: number) => boolean,
  emit: EmitEvent,
  limits: SilenceLimits = usualLimits,
): SilentConnections {
  let sinceMs = new Map<number, number>();
  let timer: NodeJS.Timeout | undefined;
  let emptyLooks = 0;
  const look = (): void => {
    const nowMs = performance.now();
    const strangers = strangersAmong(treeOf(listenerPid), listenerPid, isLetIn);
    sinceMs = new Map(strangers.map(({ pid }) => [pid, sinceMs.get(pid) ?? nowMs]));
    const isCrowded = strangers.length >= limits.crowd;
    const limitMs = isCrowded ? limits.crowdedMs : limits.usualMs;
    const ended = strangers.filter(
      ({ pid, hasShaken }) =>
        (isCrowded || !hasShaken) && nowMs - (sinceMs.get(pid) ?? nowMs) >= limitMs && end(pid),
    );
    if (ended.length > 0) {
      const what = ended.some(({ hasShaken }) => hasShaken)
        ? 'did not log in'
        : 'did not come through a TLS handshake';
      const count = `${ended.length} connection${ended.length === 1 ? '' : 's'}`;
      emit({ kind: 'notice', text: `ended ${count} that ${what} within ${limitMs / 1000} s` });
    }
    emptyLooks = strangers.length === 0 ? emptyLooks + 1 : 0;
    // A look can miss what is just being started.
    if (emptyLooks >= 2) stop();
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  const connected = (): void => {
    emptyLooks = 0;
    timer ??= setInterval(look, limits.lookEveryMs);
  };
  return { connected, stop };
}

/** A connection of somebody who has not been let in yet. */
export interface Stranger {
  /** The process that serves it. */
  readonly pid: number;
  /** It has come through its TLS handshake: socat starts a program then. */
  readonly hasShaken: boolean;
}

/**
 * The connections' processes below which none is let in; the guard, a shell, serves none. An rsync with a child has let its peer in: it writes files,
 * or has a message waited for, of which its log tells only when the message is there (3.5.0).
 */
export function strangersAmong(
  processes: readonly GroupProcess[],
  listenerPid: number,
  isLetIn: (pid: number) => boolean,
): Stranger[] {
  const listener = processes.find(({ pid }) => pid === listenerPid);
  const childrenOf = (parent: number): readonly GroupProcess[] =>
    processes.filter(({ parentPid }) => parentPid === parent);
  const leadsToDonor = ({ pid, name }: GroupProcess): boolean => {
    const children = childrenOf(pid);
    return isLetIn(pid) || (name === 'rsync' && children.length > 0) || children.some(leadsToDonor);
  };
  return childrenOf(listenerPid)
    .filter((serving) => serving.name === listener?.name && !leadsToDonor(serving))
    .map(({ pid }) => ({ pid, hasShaken: childrenOf(pid).length > 0 }));
}

function end(pid: number): boolean {
  try {
    // SIGTERM would have each of them write that it was sent.
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}
