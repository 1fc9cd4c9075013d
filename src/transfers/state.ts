import { TransferError } from '../errors.js';

/**
 * Checks a state line, `UUID:seqno` with an optional domain id after a space, and gives it without superfluous space.
 * It ends up on the server's command channel, where any other text would be taken for something else.
 */
export function parseState(text: string, source: string): string {
  const match =
    /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}:-?\d{1,19})(?: +(\d{1,10}))?\s*$/i.exec(
      text,
    );
  if (match?.[1] === undefined) {
    throw new TransferError(
      'PEER_PROTOCOL',
      `${source} has no state (UUID:seqno), but ${JSON.stringify(text.slice(0, 100))}`,
    );
  }
  return match[2] === undefined ? match[1] : `${match[1]} ${match[2]}`;
}
