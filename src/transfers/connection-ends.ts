import { constants } from 'node:os';
import { identify, isAlive, originOf, type ProcessIdentity } from '../processes/proc.js';
import { delay } from './wait.js';

/** The processes of one connection: the socat that speaks TLS, and what it has started above rsync's daemon. */
export interface Connection {
  readonly socat: ProcessIdentity;
  /** Another socat and the shell. */
  readonly between: readonly number[];
}

/** What ended a connection. */
export type ConnectionEnd =
  /** The peer, or the network. */
  | { readonly kind: 'peer' }
  /** What the connection's socat has started. */
  | { readonly kind: 'program' }
  /** A socat of this side was killed; by what is not always known. */
  | { readonly kind: 'killed'; readonly signal: string | undefined };

/** What the listener tells of the ends of its connections. */
export interface ConnectionEnds {
  /** Takes a line of the listener's stderr. */
  hear(line: string): void;
  /** Forgets what was said of earlier processes with the pids of this connection, which has just been opened. */
  forget(connection: Connection): void;
  /** Whether it goes on, as far as is known. */
  isOpen(connection: Connection): boolean;
  /** Waits until it is known, for some seconds. */
  whatEnded(connection: Connection): Promise<ConnectionEnd | undefined>;
}

interface Limits {
  readonly lookEveryMs: number;
  readonly knownWithinMs: number;
}

/** On a busy machine what a dead process has said may take its time. */
const usualLimits: Limits = { lookEveryMs: 25, knownWithinMs: 1500 };

/**
 * Follows what socat (`-d -d`; 1.7.4.4, 1.8) says of its connections. rsync's daemon says the same whether its peer is gone or its own
 * writing process was killed ("connection unexpectedly closed [generator]", 3.5.0); which of its two sides was at an end first only socat
 * knows.
 */
export function followConnectionEnds({ lookEveryMs, knownWithinMs } = usualLimits): ConnectionEnds {
  const first = new Map<number, 'peer' | 'program'>();
  const killed = new Map<number, string>();
  const left = new Set<number>();
  const known = ({ socat, between }: Connection): ConnectionEnd | undefined => {
    const victim = [socat.pid, ...between].find((pid) => killed.has(pid));
    if (victim !== undefined) return { kind: 'killed', signal: killed.get(victim) };
    const kind = first.get(socat.pid);
    return kind === undefined ? undefined : { kind };
  };
  return {
    hear: (line) => {
      const said = understandSocatLine(line);
      if (said?.kind === 'killed') killed.set(said.pid, said.signal);
      else if (said?.kind === 'left') left.add(said.pid);
      else if (said !== undefined && !first.has(said.pid)) first.set(said.pid, said.kind);
    },
    forget: ({ socat, between }) => {
      for (const pid of [socat.pid, ...between]) {
        for (const words of [first, killed, left]) words.delete(pid);
      }
    },
    isOpen: (connection) => known(connection) === undefined && isAlive(connection.socat),
    whatEnded: async (connection) => {
      const untilMs = performance.now() + knownWithinMs;
      for (let looksGone = 0; performance.now() < untilMs;) {
        await delay(lookEveryMs, new AbortController().signal);
        const end = known(connection);
        if (end !== undefined) return end;
        if (!isAlive(connection.socat)) looksGone += 1;
        // The listener (1.7.4.4) often tells of a killed one only when the next has ended; what one said may still be on its way.
        if (looksGone > 2 && !left.has(connection.socat.pid)) return { kind: 'killed', signal: undefined };
      }
      return undefined;
    },
  };
}

/** What a line says of the process `pid`. */
export type SocatWord =
  | { readonly kind: 'peer' | 'program' | 'left'; readonly pid: number }
  | { readonly kind: 'killed'; readonly pid: number; readonly signal: string };

/** Reads a line of a listener with `-d -d`, whose connections are its sockets 1 and whose programs the sockets 2. */
export function understandSocatLine(line: string): SocatWord | undefined {
  const [, writer, text = ''] = /\bsocat\[(\d+)\] [A-Z] (.*)/.exec(line) ?? [];
  if (writer === undefined) return undefined;
  const pid = Number(writer);
  const [, child, number] = /^waitpid\(\): child (\d+) exited on signal (\d+)/.exec(text) ?? [];
  if (child !== undefined) return killedWord(Number(child), Number(number));
  const socket = /^socket ([12]) \(fd \d+\) is at EOF/.exec(text)?.[1];
  if (socket !== undefined) return { kind: socket === '1' ? 'peer' : 'program', pid };
  if (/^(exiting |exit\()/.test(text)) return { kind: 'left', pid };
  // To its program it writes without SSL.
  if (/^write\(.*Broken pipe/.test(text)) return { kind: 'program', pid };
  if (/^SSL_\w+\(\)/.test(text) || /Connection (reset|timed out)|No route to host/.test(text))
    return { kind: 'peer', pid };
  return undefined;
}

/** socat itself ends its programs with SIGTERM; of the others those count that the shell tells of, too (`tellIfKilled`). */
function killedWord(pid: number, number: number): SocatWord | undefined {
  if (number < 4 || number > 11) return undefined;
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return { kind: 'killed', pid, signal: name ?? `signal ${number}` };
}

/** What is to be known of processes. */
interface Processes {
  readonly parentOf: (pid: number) => number | undefined;
  readonly identify: (pid: number) => ProcessIdentity | undefined;
}

const runningProcesses: Processes = { parentOf: (pid) => originOf(pid)?.parentPid, identify };

/** The connection that an rsync daemon of a listener serves, as long as both are there. */
export function connectionOf(
  daemonPid: number,
  listenerPid: number,
  { parentOf, identify }: Processes = runningProcesses,
): Connection | undefined {
  const between: number[] = [];
  for (let pid = parentOf(daemonPid); pid !== undefined && pid > 1; pid = parentOf(pid)) {
    if (parentOf(pid) === listenerPid) {
      const socat = identify(pid);
      return socat === undefined ? undefined : { socat, between };
    }
    between.push(pid);
  }
  return undefined;
}
