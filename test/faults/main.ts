import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { play } from './cell.js';
import { keyOf, readResults } from './results.js';
import { parseShard, takeShard } from './shard.js';
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

const usage = `usage: scripts/faults [--only PATTERN] [--shard K/N] [--list] [--results FILE]… [--again] [--table]
  Lets state transfers of two real servers fail in every way of the table, and prints it with what was measured.
  --only     only cells whose name ("socat killed on the donor, locked pass") matches this regular expression
  --shard    of these only each N-th, from the K-th: processes that run at the same time, each with a lab of its own, share the table
  --results  keeps what was measured in FILE, a line of JSON for each cell, and leaves out what is in it already; several may be
             given: all are read, and the first is written to
  --again    with --results: plays once more what had problems
  --table    prints the table of what is in all FILEs, and plays nothing
  In two processes: scripts/faults --shard 1/2 --results a & scripts/faults --shard 2/2 --results b; wait
  and then:         scripts/faults --table --results a --results b`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      shard: { type: 'string' },
      results: { type: 'string', multiple: true },
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
  const files = values.results ?? [];
  const known = readResults(files);
  const isDue = (cell: Cell): boolean => {
    const before = known.get(keyOf({ ...cell, fault: cell.fault.name }));
    return before === undefined || (values.again === true && before.problems.length > 0);
  };
  const matching = cells.filter((cell) => new RegExp(values.only ?? '').test(cellName(cell)));
  const chosen = takeShard(matching, parseShard(values.shard ?? '1/1'));
  if (values.list === true) {
    console.log(chosen.map(cellName).join('\n'));
    return;
  }
  if (values.table !== true) {
    await playAll(chosen.filter(isDue), (result) => {
      known.set(keyOf(result), result);
      console.log(formatResult(result));
      if (files[0] !== undefined) appendFileSync(files[0], `${JSON.stringify(result)}\n`);
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
    ...{ donorWritable: null, donorEnded: null, joinerEnded: null, nextJoin: null, hits: 0 },
    statuses: { donor: '·', joiner: '·' },
    causes: { donor: '', joiner: '' },
    problems: [text.slice(0, 2000).replace(/\n/g, ' ')],
  };
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
