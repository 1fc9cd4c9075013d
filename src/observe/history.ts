import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceDurably } from '../durable-file.js';
import { writing } from '../errors.js';
import { makeDirectory } from '../make-directory.js';
import { parseRecord } from './record-line.js';
import type { TransferRecord } from './recorder.js';
import type { TransferStatus } from './status.js';
import { forgetUnfinished, findUnfinished, noteUnfinished } from './unfinished.js';

/** How much is kept; the oldest transfers go first, the newest stays in any case. */
export interface HistoryLimits {
  readonly transfers: number;
  readonly bytes: number;
}

const usualLimits: HistoryLimits = { transfers: 200, bytes: 8 * 1024 * 1024 };

/** The transfers of the past, in a file; nothing of it is kept in memory. */
export interface History {
  /** Newest first. */
  list(): TransferStatus[];
  /** By the id or its unambiguous beginning. */
  find(id: string): TransferRecord | undefined;
  /** Notes a transfer that still runs: should this process be killed, the next one has it among those that failed. */
  note(record: TransferRecord): void;
  /** Adds what an agent that was killed has noted; gives these transfers. Only for the one agent that uses the directory. */
  takeOver(): readonly TransferStatus[];
  /** Adds a transfer that has ended, or replaces what was known of it. Throws as `replaceDurably` does. */
  save(record: TransferRecord): void;
}

/**
 * Opens the history in a directory (created when missing): a JSON object a line, the oldest first. It is replaced as a
 * whole, through a temporary file, so that a crash leaves the old or the new one; a line that is damaged all the same
 * is passed over.
 */
export function openHistory(directory: string, limits: HistoryLimits = usualLimits): History {
  writing(directory, () => makeDirectory(directory, 0o750), { otherwise: 'DIRECTORY_NOT_WRITABLE' });
  const file = join(directory, 'history.ndjson');
  const save = (record: TransferRecord): void => {
    const others = readLines(file).filter((line) => idOf(line) !== record.status.id);
    const lines = fit([...others, JSON.stringify(record)], limits);
    replaceDurably(file, lines.map((line) => `${line}\n`).join(''), { mode: 0o640 });
    // Not before: the note is all there is of it while the history cannot be written.
    forgetUnfinished(directory, record.status.id);
  };
  return {
    list: () =>
      readLines(file)
        .flatMap((line) => parseRecord(line) ?? [])
        .map(({ status }) => status)
        .reverse(),
    find: (id) =>
      pick(
        readLines(file).flatMap((line) => parseRecord(line) ?? []),
        id,
      ),
    note: (record) => noteUnfinished(directory, record),
    takeOver: () => {
      const ended = new Set(readLines(file).map(idOf));
      const cutOff = findUnfinished(directory, (id) => ended.has(id));
      for (const record of cutOff) save(record);
      return cutOff.map(({ status }) => status);
    },
    save,
  };
}

/** A history without a directory: it is lost when the process ends. */
export function keepInMemory(kept = 20): History {
  let records: readonly TransferRecord[] = [];
  return {
    list: () => records.map(({ status }) => status),
    find: (id) => pick(records, id),
    note: () => undefined,
    takeOver: () => [],
    save: (record) => {
      records = [record, ...records.filter(({ status }) => status.id !== record.status.id)].slice(0, kept);
    },
  };
}

function pick(records: readonly TransferRecord[], id: string): TransferRecord | undefined {
  const found = records.filter(({ status }) => status.id.startsWith(id));
  return found.find(({ status }) => status.id === id) ?? (found.length === 1 ? found[0] : undefined);
}

/** The newest lines that fit. */
function fit(lines: readonly string[], limits: HistoryLimits): readonly string[] {
  let bytes = 0;
  const kept: string[] = [];
  for (const line of lines.slice(-limits.transfers).reverse()) {
    bytes += Buffer.byteLength(line) + 1;
    if (kept.length > 0 && bytes > limits.bytes) break;
    kept.push(line);
  }
  return kept.reverse();
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Every line begins with the status and that with the id: no need to parse megabytes to find it. */
function idOf(line: string): string | undefined {
  return /^\{"status":\{"id":"([^"\\]*)"/.exec(line)?.[1];
}
