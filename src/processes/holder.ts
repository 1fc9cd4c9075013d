import { isOverHere } from './marks.js';
import { ownUser } from '../surroundings.js';
import { identify, isAlive, isStopped, originOf, realUserOf, type ProcessIdentity } from './proc.js';

/** On whom a transfer depends. */
export interface Holder {
  /** The process that does it. */
  readonly owner: ProcessIdentity;
  /** The process that has asked for it, where that is known: the server. */
  readonly server?: ProcessIdentity | undefined;
  /** Whether the owner is there for this one transfer or, as an agent, for others too. */
  readonly ownedBy?: 'script' | 'agent' | undefined;
}

export type HolderState =
  | 'at work'
  /** Nobody does it any more. */
  | 'over'
  /** Its server is gone, and its owner has to be ended: stopped, it would never notice. */
  | 'abandoned';

/** What has become of a transfer. */
export function stateOf(transferId: string, { owner, server, ownedBy }: Holder): HolderState {
  if (!isAlive(owner)) return 'over';
  // An agent goes on when a transfer has ended, also one whose claim could not be removed (EROFS).
  if (owner.pid === process.pid) return isOverHere(transferId) ? 'over' : 'at work';
  if (server === undefined || isAlive(server)) return 'at work';
  // An agent that runs ends what is left of it by itself.
  return ownedBy === 'script' || isStopped(owner.pid) ? 'abandoned' : 'at work';
}

/**
 * Whether an owner is a process of this program and this user. Who may write a data directory may name any process in a claim, and
 * root could end them all.
 */
export function isOwnProgram({ pid }: ProcessIdentity): boolean {
  const isOfProgram = originOf(pid)?.argv.some((word) => ownNames.test(word)) === true;
  return isOfProgram && realUserOf(pid) === ownUser().uid;
}

/** The program, and the script under whose name the server starts it. */
const ownNames = /galera-sst-tunnel|wsrep_sst_rsync_tunnel/;

/** Ends the very process, if it is still there. */
export function endProcess(identity: ProcessIdentity): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, 'SIGKILL');
  } catch {
    // It has ended by itself, or belongs to another user.
  }
}

export function identifyThisProcess(): ProcessIdentity {
  return identify(process.pid) ?? { pid: process.pid, startTicks: 0, bootId: '' };
}

/** Reads a holder that a file or an environment tells of; undefined when it is none. */
export function parseHolder(value: unknown): Holder | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { owner, server, ownedBy } = value as Partial<Record<keyof Holder, unknown>>;
  const known = identityOf(owner);
  if (known === undefined) return undefined;
  const asker = identityOf(server);
  return {
    owner: known,
    ...(asker === undefined ? {} : { server: asker }),
    ...(ownedBy === 'script' || ownedBy === 'agent' ? { ownedBy } : {}),
  };
}

function identityOf(value: unknown): ProcessIdentity | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { pid, startTicks, bootId } = value as Partial<Record<keyof ProcessIdentity, unknown>>;
  if (typeof pid !== 'number' || typeof startTicks !== 'number' || typeof bootId !== 'string')
    return undefined;
  return { pid, startTicks, bootId };
}
