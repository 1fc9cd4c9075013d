import { TransferError } from '../errors.js';

/** How long a donor whose connection broke has to say why, in ms: it asks for this side's reason first, for 2 s. */
const saysWithinMs = 6000;

/** Keeps what the rsync daemon has said of a connection from the donor that broke. */
export interface LostDonor {
  note(text: string): void;
  /** What is behind the end of this side's server or script: a donor that is lost ends both. Otherwise the error itself. */
  reasonBehind(error: unknown): unknown;
  stop(): void;
}

/** @param giveUp is called with the reason when a donor that was lost has said nothing for some seconds */
export function watchForLostDonor(giveUp: (error: TransferError) => void): LostDonor {
  let said: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const lost = (more = ''): TransferError =>
    new TransferError(
      'PEER_FAILED',
      `the connection from the donor broke and the donor has not said why: its script or agent was killed, its host has failed, or the network between (${said ?? ''})${more}`,
      { hint: "the donor's log, or that of its host, says why" },
    );
  return {
    note: (text) => {
      said ??= text;
      timer ??= setTimeout(() => giveUp(lost()), saysWithinMs);
    },
    reasonBehind: (error) => {
      const isEnded =
        error instanceof TransferError && (error.code === 'INTERRUPTED' || error.code === 'PARENT_GONE');
      return isEnded && said !== undefined ? lost(`; then ${error.message}`) : error;
    },
    stop: () => clearTimeout(timer),
  };
}
