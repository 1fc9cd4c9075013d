import { ownUser } from '../surroundings.js';
import { endProcess, parseHolder, stateOf, type Holder } from './holder.js';
import { holderVariable, markerVariable } from './marks.js';
import {
  groupMembers,
  groupOf,
  identify,
  isAlive,
  originOf,
  variableOf,
  type PortOwner,
  type ProcessIdentity,
} from './proc.js';

/** What a process that listens is to this program. */
export type Listener =
  /** Another program's, another user's, or a transfer's that is at work. */
  | { readonly kind: 'in use' }
  /** Of a transfer that is about to end by itself: its server is gone. */
  | { readonly kind: 'ending' }
  /** Of a process of this user that cannot be seen: it ends just now, or has privileges that this one lacks, as a server may. */
  | { readonly kind: 'hidden' }
  | { readonly kind: 'left over'; readonly transferId: string; end(): void };

/** Whether a listener has been left by a transfer that is over: known by its user and its marks. */
export function judgeListener({ pid, uid, transferId }: PortOwner): Listener {
  // The socket of a process that ends is there for a moment longer than what it has open can be seen (Linux 6.18).
  if (pid === undefined && uid === ownUser().uid) return { kind: 'hidden' };
  const group = pid === undefined ? undefined : groupOf(pid);
  if (pid === undefined || group === undefined || transferId === undefined || uid !== ownUser().uid)
    return { kind: 'in use' };
  const holder = holderOf(pid);
  if (holder === undefined) {
    if (isChildOfOurs(group)) return { kind: 'in use' };
  } else if (stateOf(transferId, holder) === 'at work') {
    const isServerGone = holder.server !== undefined && !isAlive(holder.server);
    return { kind: isServerGone ? 'ending' : 'in use' };
  }
  const found = groupMembers(group).flatMap((member) => identify(member) ?? []);
  return { kind: 'left over', transferId, end: () => endAll(transferId, holder, found) };
}

/** The owner first: what sweeps up after it waits for its end. */
function endAll(transferId: string, holder: Holder | undefined, found: readonly ProcessIdentity[]): void {
  if (holder !== undefined && stateOf(transferId, holder) === 'abandoned') endProcess(holder.owner);
  for (const process of found) {
    if (variableOf(process.pid, markerVariable) === transferId) endProcess(process);
  }
}

function holderOf(pid: number): Holder | undefined {
  try {
    return parseHolder(JSON.parse(variableOf(pid, holderVariable) ?? ''));
  } catch {
    return undefined;
  }
}

/** Of a process that an earlier version has started: whether the one that did it is still there. */
function isChildOfOurs(group: number): boolean {
  const parent = originOf(originOf(group)?.parentPid ?? 0);
  return parent?.argv.some((word) => word.includes('galera-sst-tunnel')) === true;
}
