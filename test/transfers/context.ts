import type { ServerLine, TransferEvent } from '../../src/events.js';
import type { TransferContext } from '../../src/transfers/context.js';

/** A context that remembers what was said and emitted; `onSay` plays the server. */
export function recordTransfer(
  onSay: (line: ServerLine) => void = () => undefined,
  given: Partial<TransferContext> = {},
): TransferContext & { readonly said: ServerLine[]; readonly events: TransferEvent[] } {
  const said: ServerLine[] = [];
  const events: TransferEvent[] = [];
  return {
    id: 'a-transfer',
    version: '0.1.0',
    say: (line) => {
      said.push(line);
      onSay(line);
    },
    emit: (event) => events.push(event),
    signal: new AbortController().signal,
    now: () => new Date(),
    owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    said,
    events,
    ...given,
  };
}
