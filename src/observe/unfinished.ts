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

/** Takes away what an agent that was killed has noted; each as a transfer that failed with it, when it was noted last. */
export function takeUnfinished(directory: string): TransferRecord[] {
  return readdirSync(directory)
    .filter((name) => name.startsWith(prefix))
    .flatMap((name) => {
      const file = join(directory, name);
      const record = name.endsWith('.json') ? parseRecord(readFileSync(file, 'utf8')) : undefined;
      const atMs = statSync(file).mtimeMs;
      rmSync(file, { force: true });
      return record === undefined ? [] : [cutOff(record, atMs)];
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
  return join(directory, `${prefix}${id}.json`);
}
