import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkout, copyCheckout } from '../suite/checkout.js';
import { listTasks } from '../suite/tasks.js';
import { creditsOf } from './credit.js';
import { belowFloor } from './floor.js';

// Runs the unit tests one after the other in a copy of the checkout, in which the program is not bundled, and reports how much
// of each module was run by its own tests: test/coverage/credit.ts says which these are.

const folder = mkdtempSync(join(tmpdir(), 'gst-coverage-'));
const copy = join(folder, 'checkout');
/** What processes leave that are started without the test's environment. */
const left = join(copy, 'left');
const credited = join(folder, 'credited');

try {
  prepareCopy();
  const only = process.argv[2] === undefined ? undefined : new RegExp(process.argv[2]);
  const tasks = listTasks(copy, { suites: ['unit'], only }).filter(({ kind }) => kind === 'unit');
  const modules = namesBelow('src', '.ts');
  const tests = namesBelow('test', '.test.ts');
  const reported = new Set<string>();
  for (const [index, { name, argv, timeoutMs }] of tasks.entries()) {
    const raw = join(folder, 'raw');
    mkdirSync(raw);
    // The server's user writes here, too, and complains where he cannot.
    chmodSync(raw, 0o1777);
    const [program, ...rest] = argv;
    const { status } = spawnSync(program!, rest, {
      cwd: copy,
      stdio: 'ignore',
      timeout: timeoutMs,
      env: { ...process.env, TAP_TIMEOUT: String(timeoutMs / 1000), NODE_V8_COVERAGE: raw, NO_COLOR: '1' },
    });
    if (status !== 0) console.error(`coverage: ${name} has failed, and counts with what it has run`);
    const testName = name.replace(/^test\/(.*)\.test\.ts$/, '$1');
    const credits = creditsOf(testName, modules, tests);
    for (const one of credits) reported.add(one);
    keep(raw, index, credits);
    keep(left, index, credits);
    rmSync(raw, { recursive: true });
  }
  report([...reported], tests, only === undefined);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** All that is needed, readable for the server's user; the program is what tsc has made of it, not the bundle. */
function prepareCopy(): void {
  chmodSync(folder, 0o755);
  copyCheckout(copy);
  for (const path of [left, credited]) mkdirSync(path);
  const bin = join(copy, 'dist/bin');
  const text = readFileSync(join(copy, 'dist/test/coverage/launch.js'), 'utf8');
  writeFileSync(join(bin, 'galera-sst-tunnel.js'), `#!/usr/bin/env node\n${text}`);
  rmSync(join(bin, 'package.json'));
  chmodSync(left, 0o1777);
}

function namesBelow(room: string, ending: string): string[] {
  return readdirSync(join(checkout, room), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length));
}

/** Takes over what the processes of one test have run of the modules that it is credited for. */
function keep(from: string, index: number, modules: readonly string[]): void {
  const urls = new Set(modules.map((name) => pathToFileURL(join(copy, 'dist/src', `${name}.js`)).href));
  for (const name of readdirSync(from)) {
    const file = join(from, name);
    const { result } = JSON.parse(readFileSync(file, 'utf8')) as { result: { url: string }[] };
    const own = result.filter(({ url }) => urls.has(url));
    if (own.length > 0) {
      const place = join(credited, `${index}-${relative(copy, from).replaceAll('/', '_')}-${name}`);
      writeFileSync(place, JSON.stringify({ result: own }));
    }
    rmSync(file);
  }
}

function report(modules: readonly string[], tests: readonly string[], isWhole: boolean): void {
  const place = ['--temp-directory', credited, '--reports-dir', join(folder, 'report')];
  const included = modules.flatMap((name) => ['--include', `dist/src/${name}.js`]);
  const reporters = ['--reporter', 'text', '--reporter', 'json-summary'];
  const words = ['report', ...place, '--all', '--src', 'dist/src', ...included, ...reporters];
  const { status } = spawnSync(join(copy, 'node_modules/.bin/c8'), words, { cwd: copy, stdio: 'inherit' });
  const without = modules.filter((name) => !tests.includes(name));
  console.log(
    `\n${without.length} of ${modules.length} modules have no test of their name:\n${without.join(' ')}`,
  );
  // Where only some tests were run, others would have added to the same modules.
  const summary = readSummary(join(folder, 'report/coverage-summary.json'));
  const low = isWhole ? belowFloor(summary, new Set(tests)) : [];
  for (const line of low) console.error(`coverage: ${line}`);
  process.exitCode = status !== 0 || low.length > 0 ? 1 : 0;
}

/** Per cent of lines, by module and for all. */
function readSummary(file: string): ReadonlyMap<string, number> {
  const summary = JSON.parse(readFileSync(file, 'utf8')) as Record<string, { lines: { pct: number } }>;
  return new Map(
    Object.entries(summary).map(([path, { lines }]) => [
      path.replace(/^.*\/src\/(.*)\.[jt]s$/, '$1'),
      lines.pct,
    ]),
  );
}
