import { readFileSync, writeFileSync } from 'node:fs';
import { Lab } from '../lab/index.js';
import { describeMachine, readVersions } from './machine.js';
import { candidatesOf, installed } from './methods.js';
import { parseOptions, usage, type BenchOptions } from './options.js';
import { formatReport, type Results } from './report.js';
import { recover, runOnce, type Bench } from './run.js';
import { dataMiB, prepare } from './setting.js';
import { beyondLimit, formatStart, measureStart } from './start.js';

async function main(): Promise<void> {
  const argv = process.argv.slice(2);
  // A test runner that is given this folder also runs this file: that must not start a benchmark.
  if (argv.length === 0) {
    console.log(usage);
    return;
  }
  const options = parseOptions(argv);
  if (options.table !== undefined) {
    console.log(formatReport(JSON.parse(readFileSync(options.table, 'utf8')) as Results));
    return;
  }
  if (options.scenario === 'start') {
    const measured = await measureStart(options.runs);
    console.log(formatStart(measured));
    if (beyondLimit(measured).length > 0) process.exitCode = 1;
    return;
  }
  const machine = describeMachine();
  const lab = await Lab.create({
    ...{ nodes: 2, ownTemplates: true },
    ...(options.root === undefined ? {} : { root: options.root }),
  });
  let bench: Bench | undefined;
  try {
    tell(`preparing ${options.sizeMiB} MiB for scenario ${options.scenario} in ${lab.root}`);
    bench = await prepare(lab, options);
    console.log(formatReport(await measure(bench, options, machine)));
  } finally {
    lab.destroy();
    bench?.cpu.close();
  }
}

/** Runs all methods in turn, `runs` times, each time beginning with another one. */
async function measure(bench: Bench, options: BenchOptions, machine: Results['machine']): Promise<Results> {
  const methods = installed(options.methods);
  for (const missing of options.methods.filter((m) => !methods.includes(m)))
    tell(`${missing}: not installed`);
  const candidates = candidatesOf(methods, options.variants);
  const results: Results = {
    when: new Date().toISOString(),
    scenario: options.scenario,
    dataMiB: await dataMiB(bench),
    writer: options.writer,
    joinerData: bench.joinerData === 'emptied' ? 'emptied' : 'kept',
    cpuCountedBy: bench.cpu.countedBy,
    machine,
    versions: await readVersions(),
    runs: [],
  };
  for (let round = 1; round <= options.runs; round++) {
    const first = (round - 1) % candidates.length;
    for (const candidate of [...candidates.slice(first), ...candidates.slice(0, first)]) {
      const method = candidate.label;
      try {
        const run = await runOnce(bench, candidate, round);
        tell(`run ${round} ${method}: ${JSON.stringify(run.metrics)}`);
        results.runs.push(run);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        tell(`run ${round} ${method} failed: ${reason}`);
        (results.failures ??= []).push({ method, round, reason });
        await recover(bench);
      }
      writeFileSync(options.json, `${JSON.stringify(results, undefined, 2)}\n`);
    }
  }
  return results;
}

const tell = (text: string): void => console.error(`bench: ${text}`);

// The lab cleans up after the signals that end a process as a rule; a runner's time limit comes as this one.
process.once('SIGALRM', () => process.kill(process.pid, 'SIGTERM'));

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof Error && /^--|Unknown option/.test(error.message)) console.error(usage);
  process.exitCode = 1;
});
