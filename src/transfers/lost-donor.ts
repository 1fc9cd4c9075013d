import { TransferError } from '../errors.js';
import { hasRead, type GroupMember } from '../processes/group.js';

interface Limits {
  /** How long a donor whose connection broke has to say why, in ms: it asks for this side's reason first, for 2 s. */
  readonly saysWithinMs: number;
  readonly lookEveryMs: number;
}

const usualLimits: Limits = { saysWithinMs: 6000, lookEveryMs: 500 };

/** Keeps what the rsync daemon has said of a connection from the donor that broke. */
export interface LostDonor {
  /** @param own what of this side broke it, where that is known */
  note(text: string, own?: TransferError): void;
  /**
   * The peer or the network ended a connection that nothing was on its way over. A donor that waits for its lock may not have noticed
   * (a firewall has forgotten its connections): its next sign of life is waited for.
   */
  noteIdle(text: string): void;
  /** The donor has opened a connection: it is not lost. */
  came(): void;
  /**
   * What is behind the end of this side's server or script: a donor that is lost ends both; and behind a donor's complaint that its
   * connection broke: what broke it here. Otherwise the error itself.
   */
  reasonBehind(error: unknown): unknown;
  stop(): void;
}

/** What shows that a donor is still there. */
export interface Signs {
  /** Whether one of its connections goes on, also where nothing is sent: a donor that waits for its lock has several. */
  readonly isConnected: () => boolean;
  /** The processes that read what it sends. */
  readonly readers: () => readonly GroupMember[];
  /** How often a donor that waits sends a sign of life, at least, in ms. */
  readonly everyMs: number;
}

/**
 * A donor can lose a connection and go on: it opens another one for what it has not begun to send. One that was killed loses all.
 * @param giveUp is called with the reason when a connection was lost, for some seconds (where it was idle: until after the next sign of
 *   life) neither another one nor a byte has come, and none is left
 */
export function watchForLostDonor(
  giveUp: (error: TransferError) => void,
  signs: Signs,
  { saysWithinMs, lookEveryMs }: Limits = usualLimits,
): LostDonor {
  let said: string | undefined;
  let broke: { readonly cause: TransferError; readonly atMs: number } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let before: readonly GroupMember[] = [];
  let sinceMs = 0;
  let withinMs = Infinity;
  const lost = (more = ''): TransferError =>
    new TransferError(
      'PEER_FAILED',
      `the connection from the donor broke and the donor has not said why: its script or agent was killed, its host has failed, or the network between (${said ?? ''})${more}`,
      { hint: "the donor's log, or that of its host, says why (journalctl -u mariadb, over there)" },
    );
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  const forget = (): void => {
    stop();
    said = undefined;
    withinMs = Infinity;
  };
  const recent = (): TransferError | undefined =>
    broke !== undefined && performance.now() - broke.atMs < 2 * saysWithinMs ? broke.cause : undefined;
  // One whose count cannot be seen tells nothing.
  const readers = (): GroupMember[] => signs.readers().filter(({ readBytes }) => readBytes !== undefined);
  const check = (): void => {
    const now = readers();
    if (hasRead(before, now)) forget();
    else if (performance.now() - sinceMs >= withinMs && !signs.isConnected()) {
      stop();
      giveUp(recent() ?? lost());
    }
  };
  const wait = (text: string, forMs: number): void => {
    said ??= text;
    // What the others have read until now may have been on its way when the donor ended.
    before = readers();
    sinceMs = performance.now();
    // One that was in use tells more than those that waited.
    withinMs = Math.min(withinMs, forMs);
    timer ??= setInterval(check, lookEveryMs);
  };
  return {
    note: (text, own) => {
      if (own !== undefined) broke = { cause: own, atMs: performance.now() };
      wait(text, saysWithinMs);
    },
    noteIdle: (text) => wait(text, signs.everyMs + saysWithinMs),
    came: forget,
    reasonBehind: (error) => {
      if (!(error instanceof TransferError)) return error;
      if (isComplaint(error)) return recent() ?? error;
      const isEnded = error.code === 'INTERRUPTED' || error.code === 'PARENT_GONE';
      return isEnded && said !== undefined && !signs.isConnected() ? lost(`; then ${error.message}`) : error;
    },
    stop,
  };
}

/** The donor's own words for a connection that broke. */
function isComplaint({ code, message }: TransferError): boolean {
  return code === 'PEER_FAILED' && /^the donor failed with PEER_(FAILED|UNREACHABLE)\b/.test(message);
}
