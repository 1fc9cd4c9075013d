import type { SocketOptions } from '../config/tls.js';
import { TransferError, type ErrorCode } from '../errors.js';
import type { ChildOutcome } from '../events.js';
import { killedBy } from '../processes/killed.js';
import { childFailure, type SupervisedChild } from '../processes/supervise.js';
import { connectionRefused, socatComplaints, sockoptRejected } from './socat-failure.js';

/**
 * What an rsync client's exit status and last words mean, and those of the socat that it speaks through: its words
 * decide where they are clear, and they come first, since rsync only sees a connection that never began.
 */
export function rsyncFailure(
  child: SupervisedChild,
  outcome: ChildOutcome,
  sockopt?: SocketOptions,
): TransferError {
  const complaints = socatComplaints(child.lastWords());
  const rejected = sockoptRejected(complaints, sockopt);
  if (rejected !== undefined) return rejected;
  const words = child.lastWords().join('\n');
  const killed = killedBy(words);
  if (killed !== undefined)
    return new TransferError(
      'CHILD_FAILED',
      `${child.command.name}: its ${killed.program} was ended by ${killed.signal}`,
    );
  const meaning = connectionRefused(complaints) ?? meanings.find((candidate) => candidate.words.test(words));
  if (meaning !== undefined) return explained(child, outcome, meaning);
  return explained(child, outcome, outcome.kind === 'exited' ? statuses[outcome.code] : undefined);
}

/** In plain words first: what a program said last is for those who know it. */
function explained(
  child: SupervisedChild,
  outcome: ChildOutcome,
  { code, says, hint }: Partial<Meaning> = {},
): TransferError {
  const failure = childFailure(child, outcome, code, hint);
  if (says === undefined) return failure;
  return new TransferError(failure.code, `${says} (${failure.message})`, { hint });
}

interface Meaning {
  readonly code: ErrorCode;
  /** What happened, in plain words. */
  readonly says?: string | undefined;
  readonly hint?: string | undefined;
}

/** What rsync says of a file that it cannot send; it sends all the others before it ends (3.5.0). */
export const unreadableFile = /^rsync: \[sender\] (?:send_files failed to open|read errors mapping) /m;

/** As rsync 3.5.0 says it; `[sender]` is this side, `[receiver]` and `[generator]` the joiner. */
const meanings: readonly (Meaning & { words: RegExp })[] = [
  {
    // Without a password rsync asks for one, finds no terminal, and the daemon's answer follows on the same line.
    words: /^Password: /m,
    code: 'SECRET_MISSING',
    hint: 'the server handed over no secret for a joiner that wants one: run the same server version on all nodes (mariadbd --version), or set allow-donor-without-secret=1 in [sst] of the joiner',
  },
  { words: /^@ERROR: auth failed on module/m, code: 'SECRET_REFUSED' },
  {
    words: /No space left on device|Disk quota exceeded/,
    code: 'DISK_FULL',
    hint: "make room on the joiner's file system (df -h, over there)",
  },
  { words: /^rsync: \[sender\] .*Permission denied/m, code: 'FILE_UNREADABLE' },
  // Its stream is told to end then, with whatever status.
  { words: unreadableFile, code: 'COPY_INCOMPLETE' },
  {
    words: /^rsync: \[(receiver|generator)\] .* failed: /im,
    code: 'PEER_FAILED',
    hint: "the joiner could not write: check its directories' owner, mode and file system (namei -l DIRECTORY, over there)",
  },
  {
    words: /^@ERROR: chdir failed/m,
    code: 'PEER_FAILED',
    hint: 'a directory of the joiner is missing or closed to its server (namei -l DIRECTORY, over there)',
  },
  {
    words: /^rsync: did not see server greeting/m,
    code: 'PEER_UNREACHABLE',
    says: 'the joiner ended the connection before it said anything',
  },
  {
    words: /^@ERROR: Unknown module/m,
    code: 'PEER_PROTOCOL',
    hint: 'the joiner runs another version or another SST method: compare wsrep_sst_method on all nodes (my_print_defaults mysqld)',
  },
];

const connectionEnded: Meaning = {
  code: 'PEER_FAILED',
  says: 'the connection to the joiner broke',
  hint: "the joiner's log (journalctl -u mariadb, over there) says why, unless its script was killed or the network between broke",
};

const stoodStill: Meaning = {
  code: 'TIMED_OUT',
  says: 'the joiner has taken nothing for as long as sst-idle-timeout allows',
};

/** rsync's exit statuses (rsync.1, EXIT VALUES). */
const statuses: Readonly<Record<number, Meaning>> = {
  2: { code: 'PEER_PROTOCOL' },
  4: { code: 'PEER_PROTOCOL' },
  5: { code: 'PEER_PROTOCOL' },
  10: connectionEnded,
  12: connectionEnded,
  23: { code: 'COPY_INCOMPLETE' },
  24: { code: 'COPY_INCOMPLETE' },
  30: stoodStill,
  35: stoodStill,
};
