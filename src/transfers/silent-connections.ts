import type { EmitEvent } from '../events.js';
import { processesOf, type GroupProcess } from '../processes/proc.js';

/** How long a connection may take to shake hands, in ms, and how many such are a crowd. */
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
 * Ends the listener's connections that do not come through their TLS handshake: socat (1.7.4.4, 1.8) has no limit of its
 * own for it. (SO_RCVTIMEO would limit it, and afterwards end every connection whose network stalls for as long.)
 * socat serves each connection with a process, which starts a program once the handshake is done: one that never had a
 * child is still waiting for the first word.
 * @param listenerPid the listener, leader of its process group
 */
export function endSilentConnections(
  listenerPid: number,
  emit: EmitEvent,
  limits: SilenceLimits = usualLimits,
): SilentConnections {
  let sinceMs = new Map<number, number>();
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    const nowMs = performance.now();
    const silent = silentAmong(processesOf(listenerPid), listenerPid);
    sinceMs = new Map(silent.map((pid) => [pid, sinceMs.get(pid) ?? nowMs]));
    const limitMs = silent.length < limits.crowd ? limits.usualMs : limits.crowdedMs;
    const ended = silent.filter((pid) => nowMs - (sinceMs.get(pid) ?? nowMs) >= limitMs && end(pid));
    if (ended.length > 0)
      emit({
        kind: 'notice',
        text: `ended ${ended.length} connection${ended.length === 1 ? '' : 's'} that did not come through a TLS handshake within ${limitMs / 1000} s`,
      });
    if (silent.length === 0) stop();
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  return { connected: () => (timer ??= setInterval(look, limits.lookEveryMs)), stop };
}

/** The connections' processes without a child; the guard, a shell, is none of them. */
export function silentAmong(processes: readonly GroupProcess[], listenerPid: number): number[] {
  const listener = processes.find(({ pid }) => pid === listenerPid);
  const parents = new Set(processes.map(({ parentPid }) => parentPid));
  return processes
    .filter(
      ({ pid, parentPid, name }) => parentPid === listenerPid && name === listener?.name && !parents.has(pid),
    )
    .map(({ pid }) => pid);
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
