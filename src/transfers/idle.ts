import type { Config } from '../config/config.js';
import { placeOf } from '../config/source.js';
import { TransferError } from '../errors.js';
import { hasRead, membersOf, type GroupMember } from '../processes/group.js';
import type { SupervisedChild } from '../processes/supervise.js';
import { delay } from './wait.js';

/** How often to look whether something moved, at most, in ms. */
const lookEveryMs = 5000;

/**
 * Waits for what the donor is to do next, as long as bytes come from it. Those that the listener's rsync daemons have
 * read are counted: files would not do, a large one takes longer than any limit while its bytes come all the time.
 * @throws TransferError TIMED_OUT.
 */
export async function withinIdleTimeout<T>(
  watched: { readonly config: Config; readonly listener: SupervisedChild; readonly signal: AbortSignal },
  work: Promise<T>,
): Promise<T> {
  const { config, listener, signal } = watched;
  if (config.idleTimeoutMs === 0) return work;
  const enough = new AbortController();
  const idle = untilStill(config, listener, AbortSignal.any([signal, enough.signal]));
  try {
    return await Promise.race([work, idle]);
  } finally {
    enough.abort(new Error('no longer waiting'));
    idle.catch(() => undefined);
    work.catch(() => undefined);
  }
}

async function untilStill(
  { idleTimeoutMs, idleTimeoutBy }: Config,
  listener: SupervisedChild,
  signal: AbortSignal,
): Promise<never> {
  let before = daemonsOf(listener);
  let stillSince = performance.now();
  for (;;) {
    await delay(Math.min(lookEveryMs, idleTimeoutMs / 4), signal);
    const now = daemonsOf(listener);
    if (hasRead(before, now)) stillSince = performance.now();
    before = now;
    if (performance.now() - stillSince < idleTimeoutMs) continue;
    throw new TransferError('TIMED_OUT', `the donor has sent nothing for ${idleTimeoutMs / 1000} s`, {
      option: 'sst-idle-timeout',
      where: idleTimeoutBy === undefined ? undefined : placeOf(idleTimeoutBy),
      hint: "the donor's log says why it stopped; check its host and the network between",
    });
  }
}

function daemonsOf({ pid }: SupervisedChild): GroupMember[] {
  return pid === undefined ? [] : membersOf(pid).filter(({ program }) => program === 'rsync');
}
