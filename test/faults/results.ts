import { existsSync, readFileSync } from 'node:fs';
import type { CellResult } from './table.js';

/** By cell, what these files hold, a line of JSON for each; of a cell that was played again the last line counts. */
export function readResults(files: readonly string[]): Map<string, CellResult> {
  const lines = files
    .filter((file) => existsSync(file))
    .flatMap((file) => readFileSync(file, 'utf8').split('\n').filter(Boolean));
  return new Map(lines.map((line) => JSON.parse(line) as CellResult).map((one) => [keyOf(one), one]));
}

export const keyOf = ({ fault, side, moment }: Pick<CellResult, 'fault' | 'side' | 'moment'>): string =>
  `${fault}|${side}|${moment}`;
