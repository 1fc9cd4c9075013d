import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { play } from './cell.js';
import { Stage } from './stage.js';
import {
  cellName,
  cells,
  formatCauses,
  formatResult,
  formatTable,
  type Cell,
  type CellResult,
} from './table.js';

const usage = `usage: scripts/faults [--only PATTERN] [--list] [--results FILE] [--again] [--table]
  Lets state transfers of two real servers fail in every way of the table, and prints it with what was measured.
  --only     only cells whose name ("socat killed on the donor, locked pass") matches this regular expression
  --results  keeps what was measured in FILE, a line of JSON for each cell, and leaves out what is in it already
  --again    with --results: plays once more what had problems
  --table    prints the table of what is in FILE, and plays nothing`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      results: { type: 'string' },
      again: { type: 'boolean' },
      list: { type: 'boolean' },
      table: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    console.log(usage);
    return;
  }
  const known = new Map(readResults(values.results).map((result) => [keyOf(result), result]));
  const isDue = (cell: Cell): boolean => {
    const before = known.get(keyOf({ ...cell, fault: cell.fault.name }));
    return before === undefined || (values.again === true && before.problems.length > 0);
  };
  const chosen = cells.filter((cell) => new RegExp(values.only ?? '').test(cellName(cell)));
  if (values.list === true) {
    console.log(chosen.map(cellName).join('\n'));
    return;
  }
  if (values.table !== true) {
    await playAll(chosen.filter(isDue), (result) => {
      known.set(keyOf(result), result);
      console.log(formatResult(result));
      if (values.results !== undefined) appendFileSync(values.results, `${JSON.stringify(result)}\n`);
    });
  }
  const all = [...known.values()];
  console.log(`\n${formatTable(all)}\n\n${formatCauses(all)}`);
  if (all.some(({ problems }) => problems.length > 0)) process.exitCode = 1;
}

async function playAll(chosen: readonly Cell[], tell: (result: CellResult) => void): Promise<void> {
  let stage: Stage | undefined;
  try {
    for (const cell of chosen) {
      try {
        stage ??= await Stage.create();
        tell(await play(stage, cell));
      } catch (error) {
        tell(notMeasured(cell, error));
        await stage?.destroy();
        stage = undefined;
      }
    }
  } finally {
    await stage?.destroy();
  }
}

function notMeasured({ fault, side, moment }: Cell, error: unknown): CellResult {
  const text = error instanceof Error ? error.message : String(error);
  return {
    ...{ fault: fault.name, side, moment },
    outcome: 'not measured',
    ...{ donorWritable: null, donorEnded: null, joinerEnded: null, nextJoin: null },
    statuses: { donor: '·', joiner: '·' },
    causes: { donor: '', joiner: '' },
    problems: [text.slice(0, 2000).replace(/\n/g, ' ')],
  };
}

function readResults(file: string | undefined): CellResult[] {
  if (file === undefined || !existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as CellResult);
}

const keyOf = ({ fault, side, moment }: Pick<CellResult, 'fault' | 'side' | 'moment'>): string =>
  `${fault}|${side}|${moment}`;

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
