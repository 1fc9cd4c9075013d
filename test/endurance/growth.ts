import type { Holdings } from './agent-process.js';

/** How much more an agent may hold at the end than after it has warmed up. */
const mayGrow: Readonly<Record<keyof Holdings, number>> = {
  memoryMiB: 6,
  descriptors: 0,
  threads: 0,
  children: 0,
  // The notes of one transfer that is being written.
  files: 1,
  fileKiB: 1024,
};

/** Quantity by quantity the medians of two spans: what has grown by more than it may. Each has a holding for each transfer. */
export function findGrowth(warm: readonly Holdings[], last: readonly Holdings[]): string[] {
  return (Object.keys(mayGrow) as (keyof Holdings)[]).flatMap((name) => {
    const [before, after] = [median(warm.map((one) => one[name])), median(last.map((one) => one[name]))];
    return after - before > mayGrow[name] ? [`${name} grew from ${show(before)} to ${show(after)}`] : [];
  });
}

/** The third tenth and the last one: history and caches are filled by then, and hundreds of transfers lie between. */
export function spansOf(all: readonly Holdings[]): readonly [readonly Holdings[], readonly Holdings[]] {
  const tenth = Math.max(1, Math.floor(all.length / 10));
  return [all.slice(2 * tenth, 3 * tenth), all.slice(-tenth)];
}

export function formatHoldings(all: readonly Holdings[]): string {
  const tenth = Math.max(1, Math.ceil(all.length / 10));
  const rows = all.flatMap((one, index) =>
    (index + 1) % tenth === 0 || index === all.length - 1
      ? [`| ${[index + 1, ...Object.values(one).map((value: number) => show(value))].join(' | ')} |`]
      : [],
  );
  const names = ['transfers', 'memory, MiB', 'descriptors', 'threads', 'children', 'files', 'files, KiB'];
  return [`| ${names.join(' | ')} |`, `|${' ---: |'.repeat(names.length)}`, ...rows].join('\n');
}

const show = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(1));

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;
}
