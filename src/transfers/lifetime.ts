import { TransferError } from '../errors.js';
import type { TransferContext } from './context.js';

/** Gives a transfer a signal of its own that aborts when it is over, however it ended: no child outlives the result. */
export async function withLifetime(
  context: TransferContext,
  work: (context: TransferContext) => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  try {
    await work({ ...context, signal: AbortSignal.any([context.signal, over.signal]) });
  } finally {
    over.abort(new TransferError('INTERRUPTED', 'the transfer is over'));
  }
}
