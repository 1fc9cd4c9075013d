import { TransferError } from '../errors.js';
import type { ChildOutcome } from '../events.js';
import { childFailure, type SupervisedChild } from '../processes/supervise.js';
import { isUsageError } from './listener.js';

/** What rsync's exit status and last words mean (rsync 3.5.0, 3.4.1, 3.2.7); the words decide where they are clear. */
export function rsyncFailure(child: SupervisedChild, outcome: ChildOutcome): TransferError {
  const words = child.lastWords().join('\n');
  if (/auth failed on module/.test(words)) return childFailure(child, outcome, 'SECRET_REFUSED');
  if (/No space left on device|Disk quota exceeded/.test(words)) {
    return childFailure(child, outcome, 'DISK_FULL', "make room on the joiner's file system");
  }
  if (/\[sender\].*Permission denied|send_files failed to open/.test(words))
    return childFailure(child, outcome, 'FILE_UNREADABLE');
  if (/socat\[\d+\] E .*(certificate|verify|handshake|alert|commonname)/i.test(words))
    return childFailure(child, outcome, 'PEER_REJECTED_US');
  if (/socat\[\d+\] E .*(refused|No route|unreachable|timed out)/i.test(words))
    return childFailure(child, outcome, 'PEER_UNREACHABLE');
  if (/socat\[\d+\] E /.test(words) && isUsageError(words))
    return childFailure(child, outcome, 'SOCKOPT_REJECTED');
  if (outcome.kind !== 'exited') return childFailure(child, outcome);
  switch (outcome.code) {
    case 2:
    case 4:
    case 5:
      return childFailure(child, outcome, 'PEER_PROTOCOL');
    case 10:
    case 12:
      return childFailure(child, outcome, 'PEER_FAILED', "the connection ended: look into the joiner's log");
    case 23:
    case 24:
      return childFailure(child, outcome, 'COPY_INCOMPLETE');
    case 30:
    case 35:
      return childFailure(child, outcome, 'TIMED_OUT');
    default:
      return childFailure(child, outcome);
  }
}
