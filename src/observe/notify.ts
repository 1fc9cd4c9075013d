import { escapeSocatValue } from '../plan/socat-escape.js';
import { runBriefly } from '../processes/spawn.js';
import { oneLine } from './one-line.js';

/** What the service manager is told; `STATUS` is what `systemctl status` shows. */
export interface Notifier {
  ready(status: string): Promise<void>;
  /** Shown until the next one; the same text twice is told once. */
  status(text: string): Promise<void>;
  reloading(): Promise<void>;
  stopping(): Promise<void>;
  /** A sign of life. */
  alive(): Promise<void>;
  /** How often a sign of life is due, in ms: half of `WatchdogSec`; undefined without a watchdog. */
  readonly aliveEveryMs: number | undefined;
}

/** Carries the lines of one message to the manager's socket; throws when it cannot. */
export type Deliver = (socket: string, lines: readonly string[]) => Promise<void>;

/**
 * Speaks to whoever started this process with a NOTIFY_SOCKET; without one nothing is done. Failures are passed to
 * `onFailure`: a manager that cannot be told is no reason to end.
 */
export function createNotifier(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
  onFailure: (problem: string) => void,
  deliver: Deliver = createDelivery(),
): Notifier {
  const socket = env['NOTIFY_SOCKET'];
  let told: string | undefined;
  // One message after the other: READY must not arrive after a STATUS that follows it.
  let queue = Promise.resolve();
  const send = (lines: readonly string[]): Promise<void> => {
    if (socket === undefined || socket === '') return Promise.resolve();
    queue = queue.then(() => deliver(socket, lines)).catch((error: unknown) => onFailure(String(error)));
    return queue;
  };
  return {
    ready: (text) => {
      told = text;
      return send(['READY=1', statusLine(text)]);
    },
    status: (text) => {
      if (text === told) return Promise.resolve();
      told = text;
      return send([statusLine(text)]);
    },
    reloading: () => send(['RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`]),
    stopping: () => send(['STOPPING=1']),
    alive: () => send(['WATCHDOG=1']),
    aliveEveryMs: watchdogMs(env, pid),
  };
}

function statusLine(text: string): string {
  return `STATUS=${oneLine(text)}`;
}

function watchdogMs(env: Readonly<Record<string, string | undefined>>, pid: number): number | undefined {
  const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: watched } = env;
  if (microseconds === undefined || !/^[1-9]\d*$/.test(microseconds)) return undefined;
  if (watched !== undefined && watched !== String(pid)) return undefined;
  return Number(microseconds) / 1000 / 2;
}

/** systemd-notify itself waits at most 5 s for the manager. */
const deliverWithinMs = 7000;

/**
 * Node has no datagram sockets of the unix kind, so that a small program carries each message (some 6 ms of CPU):
 * systemd-notify, which is wherever systemd is, or else socat, in a container whose manager is outside. systemd-notify
 * waits with a barrier until the manager has read the message: of a sender that has ended by then systemd does not
 * know which unit it belongs to (252). Managers that know no barrier are not asked to keep one a second time.
 */
function createDelivery(): Deliver {
  let extra: readonly string[] = [];
  let isMissing = false;
  return async (socket, lines) => {
    if (isMissing) return deliverBySocat(socket, lines);
    const { outcome, output } = await runBriefly('systemd-notify', [...extra, ...lines], deliverWithinMs, {
      env: { NOTIFY_SOCKET: socket },
    });
    if (outcome.kind === 'exited' && outcome.code === 0) return;
    if (outcome.kind === 'failed to start') {
      isMissing = true;
      return deliverBySocat(socket, lines);
    }
    if (!output.includes('barrier')) throw new Error(`systemd-notify: ${output.slice(0, 200)}`);
    extra = ['--no-block'];
  };
}

/** A datagram by socat; for managers that do not ask whom it came from. */
export async function deliverBySocat(socket: string, lines: readonly string[]): Promise<void> {
  const address = socket.startsWith('@')
    ? `ABSTRACT-SENDTO:${escapeSocatValue(socket.slice(1))}`
    : `UNIX-SENDTO:${escapeSocatValue(socket)}`;
  const { outcome, output } = await runBriefly('socat', ['-u', 'STDIN', address], deliverWithinMs, {
    input: `${lines.join('\n')}\n`,
  });
  if (outcome.kind !== 'exited' || outcome.code !== 0)
    throw new Error(`socat to ${socket}: ${output.slice(0, 200)}`);
}
