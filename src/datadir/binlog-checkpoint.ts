import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { TransferError } from '../errors.js';

/**
 * The newest `count` of a server's binary logs, and those before them that a recovery will ask for. A copy's newest log is in use, so
 * that the joiner's server recovers from it as after a crash: it looks in its index for the log that the last checkpoint event
 * in there names, and does not start without it (10.11.19). The server writes that event when the storage engines have made
 * durable what came before; until then it is the log before.
 * @param names oldest first, in `dir`
 * @throws TransferError FILE_UNREADABLE.
 */
export function binlogsForRecovery(dir: string, names: readonly string[], count: number): readonly string[] {
  const newest = names.slice(-count);
  const last = newest.at(-1);
  if (last === undefined || newest.length === names.length) return newest;
  const checkpoint = lastCheckpoint(join(dir, last), new Set(newest));
  // An event that cannot be read names the log before, if not its own.
  const from = checkpoint.kind === 'encrypted' ? names.length - count - 1 : names.indexOf(checkpoint.name);
  return from === -1 ? newest : names.slice(Math.min(from, names.length - count));
}

type Checkpoint = { readonly kind: 'encrypted' } | { readonly kind: 'plain'; readonly name: string };

/** Events name ever newer logs: the first that names one of `enough` ends the search, nearly always close to the log's head. */
function lastCheckpoint(file: string, enough: ReadonlySet<string>): Checkpoint {
  let name = '';
  for (const { type, body } of eventsIn(file)) {
    if (type === startEncryption) return { kind: 'encrypted' };
    if (type !== binlogCheckpoint || body.length < 4) continue;
    // its length, the name, and a checksum where that is on
    name = body.toString('utf8', 4, 4 + body.readUInt32LE());
    if (enough.has(name)) break;
  }
  return { kind: 'plain', name };
}

const binlogCheckpoint = 161;
const startEncryption = 164;

const magicLength = 4;
/** Time, type (at 4), server, length (at 9), end, flags. */
const headerLength = 19;
/** A file name in an event has at most 512 bytes. */
const longestBody = 520;
/** Most events are smaller than this: few are worth a system call of their own. */
const chunkLength = 262_144;

/** Types and beginnings of the events of a binary log, which may grow meanwhile. */
function* eventsIn(file: string): Generator<{ readonly type: number; readonly body: Buffer }> {
  const chunk = Buffer.alloc(chunkLength);
  let chunkAt = 0;
  let filled = 0;
  const descriptor = openLog(file);
  if (descriptor === undefined) return;
  try {
    for (let at = magicLength; ;) {
      if (at + headerLength + longestBody > chunkAt + filled) {
        chunkAt = at;
        filled = readSync(descriptor, chunk, 0, chunkLength, at);
      }
      const event = chunk.subarray(at - chunkAt, filled);
      if (event.length < headerLength) return;
      const length = event.readUInt32LE(9);
      // what the server is writing just now
      if (length < headerLength || event.length < Math.min(length, headerLength + longestBody)) return;
      yield { type: event.readUInt8(4), body: event.subarray(headerLength, length) };
      at += length;
    }
  } finally {
    closeSync(descriptor);
  }
}

function openLog(file: string): number | undefined {
  try {
    return openSync(file, 'r');
  } catch (cause) {
    // purged meanwhile, or removed by hand
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new TransferError('FILE_UNREADABLE', `cannot read the binary log ${file}`, { cause });
  }
}
