import type { Config } from '../config/config.js';
import type { TransferError } from '../errors.js';
import type { EmitEvent } from '../events.js';

/** None: when a refused donor has ended, its server tells the joiner, which aborts (10.11) and would leave no error behind. */
const graceMs = 0;

/** Those that wanted to write without the transfer's secret. */
export interface Refused {
  note(error: TransferError): void;
  /** The first of them; undefined while there is none. */
  readonly reason: TransferError | undefined;
  stop(): void;
}

/**
 * Whoever reaches the port may be refused there: that alone does not end a wait. Where certificates are verified it was
 * a node that was refused, most likely a donor with the original script, which does not come again: the wait ends.
 * Elsewhere it goes on, and its time limit names the reason.
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
  let timer: NodeJS.Timeout | undefined;
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
      const { code, hint } = error;
      const message = `${error.message}; still waiting for the donor`;
      emit({ kind: 'finding', finding: { severity: 'warning', code, message, hint } });
      if (tls.mode === 'REQUIRED') return;
      timer = setTimeout(() => {
        if (!isDonorHere()) giveUp(error);
      }, graceMs);
    },
    stop: () => clearTimeout(timer),
  };
}
