import type { Config } from '../config/config.js';
import { placeOf } from '../config/source.js';
import { TransferError } from '../errors.js';
import { hasRead, membersOf, type GroupMember } from '../processes/group.js';
import type { SupervisedChild } from '../processes/supervise.js';
import type { Conversation } from './reception.js';
import { delay, unlessThrown } from './wait.js';

/** The listener of a transfer, and which of its daemons are the donor's. */
export interface Watched extends Pick<Conversation, 'config' | 'daemonLog' | 'donorProcesses' | 'signal'> {
  readonly listener: Pick<SupervisedChild, 'pid'>;
}

/** How often to look whether something moved, at most, in ms. */
const lookEveryMs = 5000;

/**
 * Waits for what the donor is to do next, as long as bytes come from it. Those that the listener's rsync daemons have
 * read are counted: files would not do, a large one takes longer than any limit while its bytes come all the time.
 * A daemon counts once it has let its peer in as donor: anybody can connect.
 * @throws TransferError TIMED_OUT.
 */
export async function withinIdleTimeout<T>(watched: Watched, work: Promise<T>): Promise<T> {
  const { config, signal } = watched;
  if (config.idleTimeoutMs === 0) return work;
  return unlessThrown(
    signal,
    () => work,
    (within) => untilStill(config, watched, within),
  );
}

async function untilStill(
  { idleTimeoutMs, idleTimeoutBy }: Config,
  watched: Watched,
  signal: AbortSignal,
): Promise<never> {
  let before = donorDaemons(watched);
  let stillSince = performance.now();
  for (;;) {
    await delay(Math.min(lookEveryMs, idleTimeoutMs / 10), signal);
    const now = donorDaemons(watched);
    if (hasRead(before, now)) stillSince = performance.now();
    before = now;
    if (performance.now() - stillSince < idleTimeoutMs) continue;
    throw new TransferError('TIMED_OUT', `the donor has sent nothing for ${idleTimeoutMs / 1000} s`, {
      option: 'sst-idle-timeout',
      where: idleTimeoutBy === undefined ? undefined : placeOf(idleTimeoutBy),
      hint: "the donor's log (journalctl -u mariadb, over there) says why it stopped; check its host and the network between",
    });
  }
}

/** The process that writes a file is a child of the one that the daemon's log names. */
function donorDaemons({ listener: { pid: group }, daemonLog, donorProcesses }: Watched): GroupMember[] {
  if (group === undefined) return [];
  daemonLog.catchUp();
  return daemonsAmong(membersOf(group), donorProcesses);
}

/** Which processes of a listener serve the donor. */
export function daemonsAmong(
  members: readonly GroupMember[],
  donorProcesses: ReadonlySet<number>,
): GroupMember[] {
  return members.filter(
    ({ pid, parentPid, program }) =>
      program === 'rsync' && (donorProcesses.has(pid) || donorProcesses.has(parentPid)),
  );
}
