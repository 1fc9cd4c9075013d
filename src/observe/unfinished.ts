import { readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TransferError } from '../errors.js';
import type { TransferRecord } from './recorder.js';
import { parseRecord } from './record-line.js';

const prefix = 'running-';

/** Notes what is known of a transfer that runs, in a file of its own. Throws when that cannot be written. */
export function noteUnfinished(directory: string, record: TransferRecord): void {
  const file = fileOf(directory, record.status.id);
  writeFileSync(`${file}.new`, `${JSON.stringify(record)}\n`, { mode: 0o640 });
  renameSync(`${file}.new`, file);
}

/** It has ended, and the history has it. */
export function forgetUnfinished(directory: string, id: string): void {
  rmSync(fileOf(directory, id), { force: true });
}

/**
 * What an agent that was killed has noted; each as a transfer that failed with it, when it was noted last. Notes of transfers
 * that have ended, damaged and half-written ones are removed; the others stay until they are forgotten.
 */
export function findUnfinished(directory: string, hasEnded: (id: string) => boolean): TransferRecord[] {
  return readdirSync(directory)
    .filter((name) => name.startsWith(prefix))
    .flatMap((name) => {
      const file = join(directory, name);
      const record = name.endsWith('.json') ? parseRecord(readFileSync(file, 'utf8')) : undefined;
      const atMs = statSync(file).mtimeMs;
      if (record !== undefined && name === nameOf(record.status.id) && !hasEnded(record.status.id))
        return [cutOff(record, atMs)];
      rmSync(file, { force: true });
      return [];
    });
}

function cutOff(record: TransferRecord, atMs: number): TransferRecord {
  const { code, message, hint } = new TransferError(
    'AGENT_GONE',
    'the agent that did this transfer was killed',
  );
  const { status } = record;
  const ageSeconds = Math.max(0, (atMs - Date.parse(status.startedAt)) / 1000);
  const endedAt = new Date(atMs).toISOString();
  const outcome = { kind: 'failed', code, message, hint } as const;
  return {
    ...record,
    status: { ...status, endedAt, ageSeconds, outcome, streams: [], etaSeconds: undefined },
  };
}

function fileOf(directory: string, id: string): string {
  return join(directory, nameOf(id));
}

function nameOf(id: string): string {
  return `${prefix}${id}.json`;
}
