import { closeSync, openSync, readSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { BrokenTransfer } from '../datadir/held.js';
import { binlogsInHeader, decodeManifest } from '../datadir/manifest.js';
import { linesOf, readPieces } from '../datadir/text-lines.js';
import { replaceDurably } from '../durable-file.js';
import type { Finding } from '../errors.js';
import { bootId } from '../processes/proc.js';

/**
 * The file in the data directory that says that the directory holds no complete copy: there before a transfer changes
 * anything, gone when one has been found complete. Its first line is a header, the rest is the donor's offer; its
 * modification time is the last moment at which that transfer was at work.
 */
export const partialCopyFile = '.galera-sst-tunnel.partial';

const signEveryMs = 1000;

/** What the marker's first line says. */
export interface PartialCopyHeader {
  readonly format: 1;
  readonly transferId: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly bootId: string;
}

/** The marker of the transfer that is at work. */
export interface PartialCopy {
  /**
   * The data directory is about to be changed; the marker is on disk when this returns: a power cut must not leave a
   * half copy that looks whole.
   * @param offer the donor's offer as it came, in pieces
   */
  begin(offer: Iterable<string>): void;
  /**
   * A donor that offers nothing has begun to write: what lies there is marked, and nothing of it will be believed. Only the first
   * time, and not where an offer has been accepted or the transfer has ended.
   */
  beginWithoutOffer(): void;
  /** What has come may be damaged, whatever it looks like: nothing of it will be believed. */
  distrust(): void;
  /** Whether anything has been changed: an IST changes nothing. */
  hasBegun(): boolean;
  /** Gives no more signs of life: whatever is written from now on was written by somebody else. */
  leave(): void;
  /** The copy is complete, and the server is about to be told so. */
  complete(): void;
}

/** The marker of one transfer, not there yet. */
export function partialCopyIn(
  dataDir: string,
  { id, now }: { readonly id: string; readonly now: () => Date },
): PartialCopy {
  const file = join(dataDir, partialCopyFile);
  let timer: NodeJS.Timeout | undefined;
  let hasBegun = false;
  let isOver = false;
  const sign = (): void => {
    try {
      utimesSync(file, now(), now());
    } catch {
      // Somebody has removed it, or the file system has become read-only: the transfer will find that out itself.
    }
  };
  const begin = (offer: Iterable<string>): void => {
    hasBegun = true;
    writeMarker(file, offer, { id, now });
    timer ??= setInterval(sign, signEveryMs);
  };
  const stop = (): boolean => {
    isOver = true;
    const wasAtWork = timer !== undefined;
    clearInterval(timer);
    timer = undefined;
    return wasAtWork;
  };
  return {
    begin,
    beginWithoutOffer: () => {
      if (!hasBegun && !isOver) begin([]);
    },
    distrust: () => {
      try {
        if (hasBegun) writeMarker(file, [], { id, now });
      } catch {
        // On a disk that cannot be written to the marker stays as it is.
      }
    },
    hasBegun: () => hasBegun,
    leave: () => {
      if (stop()) sign();
    },
    complete: () => {
      stop();
      rmSync(file, { force: true });
    },
  };
}

function writeMarker(
  file: string,
  offer: Iterable<string>,
  { id, now }: { readonly id: string; readonly now: () => Date },
): void {
  const header: PartialCopyHeader = {
    format: 1,
    transferId: id,
    startedAt: now().toISOString(),
    bootId: bootId(),
  };
  replaceDurably(file, withHeader(header, offer), { mode: 0o600 });
}

function* withHeader(header: PartialCopyHeader, offer: Iterable<string>): Generator<string, void> {
  yield `${JSON.stringify(header)}\n`;
  yield* offer;
}

/** Whether a data directory holds an incomplete copy, and since when; reads only the marker's beginning. */
export function lookAtPartialCopy(dataDir: string): PartialCopyHeader | undefined {
  const start = Buffer.alloc(1024);
  try {
    const descriptor = openSync(join(dataDir, partialCopyFile), 'r');
    try {
      const length = readSync(descriptor, start, 0, start.length, 0);
      return parseHeader(start.toString('utf8', 0, length).split('\n')[0] ?? '') ?? unreadable;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}

/** For those who look at a node while no transfer runs. */
export function checkPartialCopy(dataDir: string): readonly Finding[] {
  const found = lookAtPartialCopy(dataDir);
  if (found === undefined) return [];
  const message = `${dataDir} holds an incomplete copy: transfer ${found.transferId}, begun at ${found.startedAt}, did not end well`;
  const hint = 'start the server (systemctl start mariadb): the next transfer goes on where that one ended';
  return [{ severity: 'warning', code: 'COPY_INCOMPLETE', message, hint }];
}

const unreadable: PartialCopyHeader = { format: 1, transferId: 'unknown', startedAt: 'unknown', bootId: '' };

/** What the transfer before this one has left; undefined when nothing can be learnt from it. */
export function readBrokenTransfer(dataDir: string): BrokenTransfer | undefined {
  const file = join(dataDir, partialCopyFile);
  try {
    const lastAliveMs = statSync(file).mtimeMs;
    const lines = linesOf(readPieces(file));
    const header = parseHeader(lines.next().value ?? '');
    if (header === undefined) {
      lines.return();
      return undefined;
    }
    return {
      offer: decodeManifest(lines, file),
      lastAliveMs,
      sameBoot: header.bootId !== '' && header.bootId === bootId(),
    };
  } catch {
    return undefined;
  }
}

/** The binary logs that the donor has offered in the transfer that the marker is of; reads only the marker's beginning. */
export function offeredBinlogs(dataDir: string): readonly string[] {
  try {
    const lines = linesOf(readPieces(join(dataDir, partialCopyFile)));
    const [header, offer] = [lines.next().value, lines.next().value];
    lines.return();
    return parseHeader(header ?? '') === undefined ? [] : binlogsInHeader(offer ?? '');
  } catch {
    return [];
  }
}

function parseHeader(line: string): PartialCopyHeader | undefined {
  try {
    const header = JSON.parse(line) as Partial<PartialCopyHeader> | null;
    const { format, transferId, startedAt, bootId: boot } = header ?? {};
    if (format !== 1 || typeof transferId !== 'string' || typeof startedAt !== 'string') return undefined;
    return { format, transferId, startedAt, bootId: typeof boot === 'string' ? boot : '' };
  } catch {
    return undefined;
  }
}
