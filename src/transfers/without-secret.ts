import type { Config } from '../config/config.js';
import type { TransferError } from '../errors.js';
import type { EmitEvent } from '../events.js';

/** Those that wanted to write without the transfer's secret. */
export interface Refused {
  note(error: TransferError): void;
  /** The first of them; undefined while there is none. */
  readonly reason: TransferError | undefined;
}

/**
 * Whoever reaches the port may be refused there: that alone does not end a wait. Where certificates are verified it was
 * a node that was refused, most likely a donor with the original script, which does not come again: the wait ends at once,
 * since that donor's server tells the joiner's, which aborts (10.11) and would leave no error behind. Elsewhere the wait
 * goes on, and its time limit names the reason.
 */
export function refusedWithoutSecret(
  { tls }: Pick<Config, 'tls'>,
  course: {
    readonly emit: EmitEvent;
    readonly isDonorHere: () => boolean;
    readonly giveUp: (reason: TransferError) => void;
  },
): Refused {
  const { emit, isDonorHere, giveUp } = course;
  let reason: TransferError | undefined;
  return {
    get reason() {
      return reason;
    },
    note: (error) => {
      if (isDonorHere() || reason !== undefined) {
        emit({ kind: 'notice', text: error.message });
        return;
      }
      reason = error;
      if (tls.mode !== 'REQUIRED') {
        giveUp(error);
        return;
      }
      const { code, hint } = error;
      const message = `${error.message}; still waiting for the donor`;
      emit({ kind: 'finding', finding: { severity: 'warning', code, message, hint } });
    },
  };
}
