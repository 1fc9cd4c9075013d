import { certificateFaults, diskFaults } from './disk-faults.js';
import { allMoments, sides, type Fault, type Moment, type Side } from './fault.js';
import { networkFaults } from './network-faults.js';
import { processFaults } from './process-faults.js';
import { keyOf } from './results.js';

export const faults: readonly Fault[] = [
  ...processFaults,
  ...networkFaults,
  ...diskFaults,
  ...certificateFaults,
];

/** One fault at one moment on one side. */
export interface Cell {
  readonly fault: Fault;
  readonly side: Side;
  readonly moment: Moment;
}

/** Every fault at every moment on every side that it has. */
export const cells: readonly Cell[] = faults.flatMap((fault) =>
  sides.flatMap((side) => (fault.at[side] ?? []).map((moment) => ({ fault, side, moment }))),
);

export function cellName({ fault, side, moment }: Cell): string {
  return `${fault.name} on the ${side}, ${moment}`;
}

/** What came of a cell; times in seconds since the fault, null for what never happened or could not be. */
export interface CellResult {
  readonly fault: string;
  readonly side: Side;
  readonly moment: Moment;
  readonly outcome: 'failed' | 'went on' | 'finished first' | 'not measured';
  readonly donorWritable: number | null;
  readonly donorEnded: number | null;
  readonly joinerEnded: number | null;
  /** How much the fault has struck. */
  readonly hits: number;
  /** Exit statuses of the scripts, as the servers saw them. */
  readonly statuses: Readonly<Record<Side, string>>;
  readonly causes: Readonly<Record<Side, string>>;
  /** From the start of the next attempt until the joiner was synced. */
  readonly nextJoin: number | null;
  readonly problems: readonly string[];
}

/** A row for each fault and side, a column for each moment: seconds until the donor took writes and both scripts had ended. */
export function formatTable(results: readonly CellResult[]): string {
  const byName = new Map(results.map((result) => [keyOf(result), result]));
  const lines = faults.flatMap((fault) =>
    sides
      .filter((side) => fault.at[side] !== undefined)
      .map((side) => {
        const shown = allMoments.map((moment) => {
          if (fault.at[side]?.includes(moment) !== true) return '–';
          return shortOf(byName.get(keyOf({ fault: fault.name, side, moment })));
        });
        return row([fault.name, side, ...shown]);
      }),
  );
  const reasons = [...new Set(faults.map(({ without }) => without))];
  const missing = reasons.map((reason) => {
    const names = faults.filter(({ without }) => without === reason).map(({ name }) => name);
    return `- ${reason}: ${names.join(', ')}.`;
  });
  const head = [row(['fault', 'side', ...allMoments]), row(Array<string>(allMoments.length + 2).fill('---'))];
  return [...head, ...lines, '', 'What is left out (–), and why:', '', ...missing].join('\n');
}

/** What both sides logged, a line for each cell that failed. */
export function formatCauses(results: readonly CellResult[]): string {
  const titles = ['fault', 'side', 'moment', 'exit statuses (donor, joiner)', 'donor says', 'joiner says'];
  const lines = results
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ fault, side, moment, statuses, causes }) =>
      row([
        ...[fault, side, moment, `${statuses.donor}, ${statuses.joiner}`],
        ...[causes.donor, causes.joiner].map(inShort),
      ]),
    );
  return [row(titles), row(titles.map(() => '---')), ...lines].join('\n');
}

/** Without what programs said last, and without places that change from run to run. */
function inShort(cause: string): string {
  return cause
    .replace(/ \((pass|copy|offer|manifest|verdict|sign|rsync error|sst-|process) ?.*$/, '')
    .slice(0, 200);
}

export function formatResult(result: CellResult): string {
  const { fault, side, moment, nextJoin, problems, causes, statuses } = result;
  const said = `${statuses.donor} ${causes.donor || '(nothing)'} / ${statuses.joiner} ${causes.joiner || '(nothing)'}`;
  const verdict = problems.length === 0 ? 'ok' : `PROBLEMS: ${problems.join('; ')}`;
  return `${fault} on the ${side}, ${moment}: ${shortOf(result)}, next ${seconds(nextJoin)}; ${said}\n  ${verdict}`;
}

function shortOf(result: CellResult | undefined): string {
  if (result === undefined) return '?';
  const { outcome, donorWritable, donorEnded, joinerEnded } = result;
  const mark = result.problems.length === 0 ? '' : ' **!**';
  if (outcome !== 'failed') return `${outcome}${mark}`;
  return `${[donorWritable, donorEnded, joinerEnded].map(seconds).join(' ')}${mark}`;
}

function seconds(value: number | null): string {
  return value === null ? '·' : value.toFixed(1);
}

function row(columns: readonly string[]): string {
  return `| ${columns.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
}
