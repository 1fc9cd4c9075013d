import type { Config } from '../config/config.js';
import { placeOf } from '../config/source.js';
import { TransferError } from '../errors.js';
import type { TransferContext } from './context.js';

/**
 * Gives a transfer a signal of its own that aborts when it is over, however it ended: no child outlives the result. It
 * aborts earlier when the transfer takes longer than it may in all.
 */
export async function withLifetime(
  { overallTimeoutMs, overallTimeoutBy }: Config,
  context: TransferContext,
  work: (context: TransferContext) => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  const tooLong = (): void =>
    over.abort(
      new TransferError('TIMED_OUT', `the transfer has not ended within ${overallTimeoutMs / 1000} s`, {
        option: 'sst-overall-timeout',
        where: overallTimeoutBy === undefined ? undefined : placeOf(overallTimeoutBy),
        hint: 'it was still at work: raise the limit, or set it to 0 for none; what is idle ends by sst-idle-timeout; galera-sst-tunnel history shows how long they take',
      }),
    );
  // A timer cannot be set for longer than 2^31 - 1 ms.
  const timer =
    overallTimeoutMs === 0 ? undefined : setTimeout(tooLong, Math.min(overallTimeoutMs, 2 ** 31 - 1));
  try {
    await work({ ...context, signal: AbortSignal.any([context.signal, over.signal]) });
  } finally {
    clearTimeout(timer);
    over.abort(new TransferError('INTERRUPTED', 'the transfer is over'));
  }
}
