import type { TransferRecord } from './recorder.js';

/** Reads a record from its line in a file; undefined where that is damaged. */
export function parseRecord(line: string): TransferRecord | undefined {
  try {
    const value = JSON.parse(line) as Partial<TransferRecord> | null;
    const isRecord =
      typeof value?.status?.id === 'string' && Array.isArray(value.commands) && Array.isArray(value.log);
    return isRecord ? (value as TransferRecord) : undefined;
  } catch {
    return undefined;
  }
}
