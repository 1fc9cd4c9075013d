import { chmodSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lab } from '../lab/index.js';
import { removeWithMounts } from '../lab/leftovers.js';
import { checkout, readableCheckout } from './checkout.js';
import { inShort } from './count.js';
import { parseOptions, usage, type SuiteOptions } from './options.js';
import { endAllTasks, runTask, type TaskResult } from './run-task.js';
import { listTasks, longestFirst, type Task } from './tasks.js';

const started = performance.now();

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const folder = mkdtempSync(join(tmpdir(), 'gst-test-'));
  // As /tmp is: servers write here, too.
  chmodSync(folder, 0o1777);
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      interrupted.abort(new Error(signal));
      endAllTasks();
    });
  }
  try {
    const results = await runAll(options, folder, interrupted.signal);
    finish([...results, ...leftBehind(folder, results)], interrupted.signal.aborted);
  } finally {
    removeWithMounts(folder);
  }
}

/**
 * Unit tests and linters as many at once as there are cores; as soon as none of them waits, the cluster tests, the longest first
 * so that none is left over at the end.
 */
async function runAll(options: SuiteOptions, folder: string, signal: AbortSignal): Promise<TaskResult[]> {
  const root = readableCheckout(() => folder);
  const tasks = listTasks(root, options);
  if (tasks.length === 0) throw new Error('no test has that name');
  const bootsServers = ({ kind }: Task): boolean => kind === 'cluster' || kind === 'trixie';
  const unit = tasks.filter((task) => !bootsServers(task));
  const cluster = longestFirst(tasks.filter(bootsServers));
  const surroundings = { cwd: root, environment: environmentFor(folder) };
  const results: TaskResult[] = [];
  const work = async (waiting: Task[]): Promise<void> => {
    for (let task = waiting.shift(); task !== undefined && !signal.aborted; task = waiting.shift()) {
      const cwd = task.kind === 'lint' ? checkout : surroundings.cwd;
      const result = await runTask(task, { ...surroundings, cwd });
      tell(result);
      results.push(result);
    }
  };
  const { unitJobs, clusterJobs } = options;
  const workers = Array.from({ length: Math.max(unitJobs, clusterJobs) }, async (_, index) => {
    if (index < unitJobs) await work(unit);
    if (index < clusterJobs) await work(cluster);
  });
  await Promise.all(workers);
  return results;
}

/** Options for node that somebody's shell has set would print warnings or load what the tests do not expect. */
function environmentFor(folder: string): NodeJS.ProcessEnv {
  const unset = { NODE_OPTIONS: undefined, NODE_EXTRA_CA_CERTS: undefined };
  // Linters have node (22 and newer) keep their compiled code in the temporary directory.
  const unkept = { NODE_DISABLE_COMPILE_CACHE: '1' };
  return { ...process.env, ...unset, ...unkept, TMPDIR: folder, GST_LAB_TEMPLATES: folder, NO_COLOR: '1' };
}

/** A test that leaves files behind has failed, too. */
function leftBehind(folder: string, results: readonly TaskResult[]): TaskResult[] {
  Lab.sweepAbandoned();
  const names = readdirSync(folder).filter(
    (name) => name !== 'checkout' && !name.startsWith('gst-lab-template-'),
  );
  const task = results[0]?.task;
  if (names.length === 0 || task === undefined) return [];
  const failed = [{ title: 'files left in the temporary directory', details: names.join('\n') }];
  const result = { task: { ...task, name: 'all tests' }, passed: 0, failed, seconds: 0 };
  tell(result);
  return [result];
}

const indent = (text: string, by: number): string => text.replace(/^/gm, ' '.repeat(by));

function tell({ task, passed, failed, seconds }: TaskResult): void {
  const verdict = failed.length === 0 ? 'ok    ' : 'FAILED';
  const counts = failed.length === 0 ? `${passed} passed` : `${passed} passed, ${failed.length} failed`;
  console.log(`${verdict} ${task.name}  (${counts}, ${seconds.toFixed(1)} s)`);
  for (const { title, details } of failed) {
    console.log(`  not ok: ${title}`);
    if (details !== '') console.log(indent(details, 4));
  }
}

/** So many points of a test that failed are told again at the end. */
const pointsTold = 5;

function finish(results: readonly TaskResult[], wasInterrupted: boolean): void {
  const failures = results.filter(({ failed }) => failed.length > 0);
  for (const { task, failed } of failures) {
    console.log(`\nfailed: ${task.name}`);
    // Once more in short: of a long log often nothing but the end is kept.
    for (const { title, details } of failed.slice(0, pointsTold)) {
      console.log(`  ${title}\n${indent(inShort(details), 4)}`);
    }
    if (failed.length > pointsTold) console.log(`  and ${failed.length - pointsTold} more`);
  }
  if (wasInterrupted) console.log('\ninterrupted before everything was run');
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const failed = results.reduce((sum, result) => sum + result.failed.length, wasInterrupted ? 1 : 0);
  console.log(
    `\n${results.length} test files and linters in ${((performance.now() - started) / 1000).toFixed(0)} s`,
  );
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

if (process.argv.some((word) => word === '-h' || word === '--help')) console.log(usage);
else {
  main().catch((error: unknown) => {
    console.error(`test: ${error instanceof Error ? error.message : String(error)}`);
    console.log('0 passed, 1 failed');
    process.exitCode = 1;
  });
}
