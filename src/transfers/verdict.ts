import { asTransferError } from '../errors.js';
import { messageFiles, type JoinerPlan } from '../plan/joiner.js';
import type { SupervisedChild } from '../processes/supervise.js';
import type { Conversation } from './reception.js';
import { untilIdle } from './listener.js';
import { encodeTold, tell } from './messages.js';
import type { Outbox } from './outbox.js';
import { untilAborted, within } from './wait.js';

/** Gives the donor the time to fetch the verdict; a donor that does not is no reason to throw a complete copy away. */
export async function giveVerdict(
  { plan, outbox, verdictRead, signal }: Conversation,
  listener: SupervisedChild,
): Promise<void> {
  outbox.publish(plan.verdict, messageFiles.verdict, encodeTold({ ok: true, value: {} }));
  try {
    await within(5000, signal, async (enough) => {
      await Promise.race([verdictRead, untilAborted(enough)]);
      await untilIdle(listener, enough);
    });
  } catch {
    signal.throwIfAborted();
  }
  await listener.stop(0);
}

/** A donor that waits for an answer or a verdict learns why there will be none. */
export async function tellDonor(
  { plan, outbox }: { readonly plan: JoinerPlan; readonly outbox: Outbox },
  error: unknown,
  verdictRead: Promise<void>,
  listener: SupervisedChild,
): Promise<void> {
  const failure = asTransferError(error);
  if (failure.code === 'PEER_FAILED') return;
  const told = encodeTold({ ok: false, failure: tell(failure) });
  try {
    outbox.publish(plan.answer, messageFiles.answer, told);
    outbox.publish(plan.verdict, messageFiles.verdict, told);
    // A donor that has been silent for so long hardly listens.
    await within(failure.code === 'TIMED_OUT' ? 500 : 2000, new AbortController().signal, async (enough) => {
      await Promise.race([verdictRead, untilAborted(enough)]);
      await untilIdle(listener, enough);
    });
  } catch {
    // It was not listening, or there is no room for a message: its own limits end it. What counts is the first error.
  }
}

/** A donor that is cut off while it says good-bye counts its transfer as failed. */
export async function letDonorGo(listener: SupervisedChild, signal: AbortSignal): Promise<void> {
  await within(5000, signal, (enough) => untilIdle(listener, enough)).catch(() => signal.throwIfAborted());
}
