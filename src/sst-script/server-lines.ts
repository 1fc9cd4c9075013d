import { TransferError } from '../errors.js';
import type { ServerLine } from '../events.js';

/** The server reads a joiner's lines into 512 bytes and a donor's into 128 (MariaDB 10.11.19), terminator included. */
const longest = { joiner: 510, donor: 126 } as const;

/**
 * The text of a line for the server, without its newline. The server takes any line that it does not know for the
 * result, so that a line with a line break in it, or one too long, is never written.
 */
export function formatServerLine(line: ServerLine, role: 'joiner' | 'donor'): string {
  const text = textOf(line);
  if (/[\0-\x1f\x7f]/.test(text) || Buffer.byteLength(text) > longest[role]) {
    throw new TransferError(
      'INTERNAL',
      `refusing to tell the server ${JSON.stringify(text.slice(0, 80))}: not one short line`,
    );
  }
  return text;
}

function textOf(line: ServerLine): string {
  switch (line.kind) {
    case 'ready':
      return `ready ${line.address}`;
    case 'total':
      return `total ${line.bytes}`;
    case 'complete':
      return `complete ${line.bytes}`;
    case 'flush tables':
    case 'continue':
      return line.kind;
    case 'done':
      return `done ${line.state}`;
    case 'result':
      return line.state;
  }
}
