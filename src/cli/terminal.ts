import { oneLine } from '../observe/one-line.js';
import { environment } from '../surroundings.js';

/** Where a command prints. */
export interface Terminal {
  readonly write: (text: string) => void;
  /** A person looks at it: what was printed can be drawn over. */
  readonly isInteractive: boolean;
  /** Characters in a line; lines longer than that would break the redrawing. */
  readonly columns: () => number;
  /** Lines on the screen: what was drawn above its top cannot be drawn over. */
  readonly rows: () => number;
}

/** This process's stdout. */
export function standardTerminal(): Terminal {
  return {
    write: (text) => void process.stdout.write(text),
    isInteractive: process.stdout.isTTY && environment['TERM'] !== 'dumb',
    columns: () => process.stdout.columns || 80,
    rows: () => process.stdout.rows || 24,
  };
}

/** Prints blocks of lines, each over the one before, without flicker: lines are overwritten, not cleared first. */
export function createRedraw(terminal: Terminal): (lines: readonly string[]) => void {
  let drawn = 0;
  return (lines) => {
    const width = terminal.columns() - 1;
    const shown = fit(lines, terminal.rows() - 1);
    const up = drawn === 0 ? '' : `\x1b[${drawn}A`;
    const text = shown.map((line) => `${cut(line, width)}\x1b[K\n`).join('');
    // What the block before had more is cleared below the new one.
    terminal.write(`${up}${text}\x1b[J`);
    drawn = shown.length;
  };
}

function fit(lines: readonly string[], most: number): readonly string[] {
  if (lines.length <= most) return lines;
  const kept = lines.slice(0, Math.max(0, most - 1));
  return [...kept, `… ${lines.length - kept.length} more lines`];
}

function cut(line: string, width: number): string {
  const characters = Array.from(line);
  return characters.length <= width ? line : `${characters.slice(0, width - 1).join('')}…`;
}

/** Text from peers, option files and file names cannot move the cursor. */
export function printable(text: string): string {
  return oneLine(text).replaceAll('\t', ' ');
}
