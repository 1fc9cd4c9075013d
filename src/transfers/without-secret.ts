import type { Config } from '../config/config.js';
import { TransferError } from '../errors.js';
import type { EmitEvent } from '../events.js';

/** Those that wanted to write without the transfer's secret. */
export interface Refused {
  note(error: TransferError): void;
  /** The first of them; undefined while there is none. */
  readonly reason: TransferError | undefined;
  /** What is behind the end of this side's server or script: a refused donor's server tells this one, which aborts (10.11). */
  reasonBehind(error: unknown): unknown;
  stop(): void;
}

/** How long the right donor has to come after a wrong one, in ms: Galera tells it at once. */
const usualGraceMs = 5000;

/**
 * Whoever reaches the port may be refused there: that alone does not end a wait. Where certificates are verified it was
 * a node that was refused, most likely a donor with the original script, which does not come again: the wait ends soon. Not at
 * once: any holder of a certificate could keep the node out so. Elsewhere the wait goes on, and its time limit names the reason.
 */
export function refusedWithoutSecret(
  { tls }: Pick<Config, 'tls'>,
  course: {
    readonly emit: EmitEvent;
    readonly isDonorHere: () => boolean;
    readonly giveUp: (reason: TransferError) => void;
  },
  graceMs = usualGraceMs,
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
    reasonBehind: (error) => {
      if (reason === undefined || isDonorHere() || !(error instanceof TransferError)) return error;
      if (error.code !== 'INTERRUPTED' && error.code !== 'PARENT_GONE') return error;
      return new TransferError(reason.code, `${reason.message}; then ${error.message}`, { cause: error });
    },
    stop: () => clearTimeout(timer),
  };
}
