import type { Phase, TransferEvent } from '../events.js';

/** What is known of a transfer from its events. */
export interface TransferSummary {
  readonly role?: 'joiner' | 'donor' | undefined;
  readonly peer?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly phase?: Phase | undefined;
  readonly doneBytes?: number | undefined;
  readonly totalBytes?: number | undefined;
  readonly lockHeld?: boolean | undefined;
  readonly failure?: { readonly code: string; readonly message: string } | undefined;
}

/** The next summary; pure. */
export function reduceSummary(summary: TransferSummary = {}, event: TransferEvent): TransferSummary {
  switch (event.kind) {
    case 'started':
      return { ...summary, role: event.role, peer: event.peer, dataDir: event.dataDir };
    case 'phase':
      return { ...summary, phase: event.phase };
    case 'progress':
      return { ...summary, doneBytes: event.doneBytes, totalBytes: event.totalBytes };
    case 'lock':
      return { ...summary, lockHeld: event.held };
    case 'failed':
      return { ...summary, failure: { code: event.error.code, message: event.error.message } };
    case 'notice':
    case 'finding':
    case 'command':
    case 'child output':
    case 'child ended':
    case 'finished':
      return summary;
  }
}
