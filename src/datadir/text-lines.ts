import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

const bytesAtOnce = 65_536;

/** A file's text piece by piece: lists of very many files need not be in memory twice. */
export function* readPieces(file: string): Generator<string, void> {
  const descriptor = openSync(file, 'r');
  try {
    const decoder = new StringDecoder('utf8');
    const buffer = Buffer.alloc(bytesAtOnce);
    for (;;) {
      const length = readSync(descriptor, buffer);
      if (length === 0) break;
      yield decoder.write(buffer.subarray(0, length));
    }
    yield decoder.end();
  } finally {
    closeSync(descriptor);
  }
}

/** The lines of a text that comes in pieces, without their line feeds; what follows the last one is left out: it may be cut. */
export function* linesOf(pieces: Iterable<string>): Generator<string, void> {
  let rest = '';
  for (const piece of pieces) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
