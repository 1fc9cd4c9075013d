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
  /** Of a transfer that is about to end by itself, as its server is gone; or of a process that ends just now. */
  | { readonly kind: 'ending' }
  | { readonly kind: 'left over'; readonly transferId: string; end(): void };

/** Whether a listener has been left by a transfer that is over: known by its user and its marks. */
export function judgeListener({ pid, uid, transferId }: PortOwner): Listener {
  // What this user's processes have open it can see, until one ends: its socket is there for a moment longer (Linux 6.18).
  if (pid === undefined && uid === ownUser().uid) return { kind: 'ending' };
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
