import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusal.js';

/**
 * Reads and parses a JSON body of at most `mostBytes`; undefined stands for an empty one, as an empty object where
 * that may be.
 * @throws Refusal NOT_JSON, TOO_LARGE, MALFORMED.
 */
export async function readJsonBody(
  request: IncomingMessage,
  mostBytes: number,
  mayBeEmpty: boolean,
): Promise<unknown> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > mostBytes) throw tooLarge(mostBytes);
  const type = request.headers['content-type'];
  const isEmpty = declared === 0 && request.headers['transfer-encoding'] === undefined;
  if (isEmpty && mayBeEmpty) return {};
  if (type === undefined || !/^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type)) {
    throw new Refusal(
      'NOT_JSON',
      `expected content-type: application/json, got ${type?.slice(0, 100) ?? 'none'}`,
    );
  }
  const bytes = await readAll(request, mostBytes);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (error) {
    throw new Refusal(
      'MALFORMED',
      `the body is not JSON: ${error instanceof Error ? error.message : 'unreadable'}`,
    );
  }
}

function readAll(request: IncomingMessage, mostBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > mostBytes) {
        request.pause();
        chunks.length = 0;
        reject(tooLarge(mostBytes));
      } else chunks.push(chunk);
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', () => reject(new Refusal('MALFORMED', 'the body ends before it is complete')));
    request.once('close', () => reject(new Refusal('MALFORMED', 'the body ends before it is complete')));
  });
}

function tooLarge(mostBytes: number): Refusal {
  return new Refusal('TOO_LARGE', `expected a body of at most ${mostBytes} bytes`);
}
