import type { TransferEvent } from '../../src/events.js';
import type { Supervision } from '../../src/processes/supervise.js';

/** What a supervised child is given here, and the events that it caused. */
export function recordEvents(transferId: string): Supervision & {
  readonly events: TransferEvent[];
  abort(reason: Error): void;
} {
  const events: TransferEvent[] = [];
  const controller = new AbortController();
  return {
    transferId,
    events,
    emit: (event) => events.push(event),
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
  };
}
