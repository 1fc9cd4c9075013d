import { parseArgs } from 'node:util';
import { cellName, play, type Cell, type CellResult } from './cell.js';
import { faults, moments, type Moment } from './faults.js';
import { Stage } from './stage.js';

const usage = `usage: scripts/faults [--only PATTERN] [--list]
  Lets state transfers of two real servers fail in every way of the table, and prints it with what was measured.
  --only   only cells whose name ("socat killed on the donor, locked pass") matches this regular expression`;

/** Every fault at every moment on every side that it has. */
export const cells: readonly Cell[] = faults.flatMap((fault) =>
  fault.sides.flatMap((side) =>
    (fault.at ?? (Object.keys(moments) as Moment[])).map((moment) => ({ fault, side, moment })),
  ),
);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, list: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help === true) {
    console.log(usage);
    return;
  }
  const chosen = cells.filter((cell) => new RegExp(values.only ?? '').test(cellName(cell)));
  if (values.list === true) {
    console.log(chosen.map(cellName).join('\n'));
    return;
  }
  console.log(
    '| fault | side | moment | outcome | donor writable | donor ended | joiner ended | next join | cause (donor / joiner) | |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |');
  let stage = await Stage.create();
  try {
    for (const cell of chosen) {
      try {
        const result = await play(stage, cell);
        console.log(row(result));
        if (result.problems.length > 0) process.exitCode = 1;
      } catch (error) {
        process.exitCode = 1;
        const text = error instanceof Error ? error.message : String(error);
        console.log(
          `| ${cell.fault.name} | ${cell.side} | ${cell.moment} | not measured: ${text.slice(0, 300).replace(/\n/g, ' ')} |`,
        );
        await stage.destroy();
        stage = await Stage.create();
      }
    }
  } finally {
    await stage.destroy();
  }
}

function row({ fault, side, moment, outcome, causes, problems, ...times }: CellResult): string {
  const seconds = (value: number): string => value.toFixed(1);
  const { donorWritable, donorEnded, joinerEnded, nextJoin } = times;
  const shown = outcome === 'went on' ? '' : `${causes.donor || '(none)'} / ${causes.joiner || '(none)'}`;
  const verdict = problems.length === 0 ? 'ok' : `**${problems.join('; ')}**`;
  const numbers = [donorWritable, donorEnded, joinerEnded, nextJoin].map(seconds).join(' | ');
  return `| ${fault.name} | ${side} | ${moment} | ${outcome} | ${numbers} | ${shown.replaceAll('|', '\\|')} | ${verdict} |`;
}

if (process.argv[1]?.endsWith('main.js') === true) {
  main().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
