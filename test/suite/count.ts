/** A test point that failed or was skipped, with its diagnostics as printed. */
export interface FailedPoint {
  readonly title: string;
  readonly details: string;
}

export interface Counts {
  readonly passed: number;
  readonly failed: readonly FailedPoint[];
}

interface OpenPoint {
  readonly indent: number;
  readonly isOk: boolean;
  readonly title: string;
}

const point = /^( *)(not )?ok\b(?: \d+)?(?: -)? ?(.*)$/;

/**
 * Counts the leaves of TAP as node-tap 21 prints it: assertions, not the tests that hold them. A point that was
 * skipped, or is still to be done, has shown nothing and counts as failed.
 */
export function countPoints(tap: string): Counts {
  const failed: FailedPoint[] = [];
  let passed = 0;
  let deepest = 0;
  const lines = tap.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const found = readPoint(lines[at] ?? '');
    if (found === undefined) continue;
    const details = readDetails(lines, at + 1, found.indent + 2);
    at += details.length;
    const holdsOthers = deepest > found.indent;
    deepest = found.indent;
    if (holdsOthers) continue;
    if (found.isOk) passed++;
    else failed.push({ title: found.title, details: details.slice(1, -1).join('\n') });
  }
  return { passed, failed };
}

function readPoint(line: string): OpenPoint | undefined {
  const found = point.exec(line);
  if (found === null) return undefined;
  const [, indent = '', not, text = ''] = found;
  const isSkipped = /(?<!\\)# *(skip|todo)\b/i.test(text);
  const title = text.replace(/ # time=[\d.]+m?s$/, '');
  return { indent: indent.length, isOk: not === undefined && !isSkipped, title };
}

/** The block from `---` to `...` below a point, both included; empty when there is none. */
function readDetails(lines: readonly string[], from: number, indent: number): readonly string[] {
  const margin = ' '.repeat(indent);
  if (lines[from] !== `${margin}---`) return [];
  const end = lines.indexOf(`${margin}...`, from);
  return lines.slice(from, end < 0 ? lines.length : end + 1);
}

/** So much of a point is worth telling twice. */
const shortCharacters = 1500;

/** What differs in a point and what was told with it: its diagnostics without place, stack and source. */
export function inShort(details: string): string {
  const ownKeysDepth = Math.max(0, details.search(/\S/));
  let isLeftOut = false;
  const kept = details.split('\n').filter((line) => {
    const [, key] = /^ *(\w+):( |$)/.exec(line) ?? [];
    if (key !== undefined && line.search(/\S/) <= ownKeysDepth)
      isLeftOut = ['at', 'stack', 'source'].includes(key);
    return !isLeftOut && line.trim() !== '';
  });
  return kept.join('\n').slice(0, shortCharacters);
}
