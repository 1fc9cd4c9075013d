import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SuiteOptions } from './options.js';

/** One process whose end says something about the code. */
export interface Task {
  readonly name: string;
  readonly kind: 'lint' | 'unit' | 'cluster' | 'trixie';
  readonly argv: readonly string[];
  /** After this the whole process group is ended, and the task has failed. */
  readonly timeoutMs: number;
}

const limitMs = { lint: 300_000, unit: 300_000, cluster: 600_000, trixie: 900_000 };

/** Everything that is to be run, longest kind last; test files are those of `test/`, not what an old build left. */
export function listTasks(checkout: string, options: Pick<SuiteOptions, 'suites' | 'only'>): Task[] {
  const tests = readdirSync(join(checkout, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .flatMap((name) => testTasks(checkout, name));
  return [...lintTasks(checkout), ...tests].filter(
    ({ name, kind }) =>
      options.suites.includes(kind === 'lint' ? 'unit' : kind) && (options.only?.test(name) ?? true),
  );
}

/** Test files that take more than a minute on two cores, the longest first. */
const long = ['faults', 'upgrade', 'file-systems', 'many-transfers', 'precopy', 'agent'];

/** The long ones first, the others as they are. */
export function longestFirst(tasks: readonly Task[]): Task[] {
  const rank = ({ name }: Task): number => {
    const index = long.findIndex((test) => name.endsWith(`cluster/${test}.test.ts`));
    return index === -1 ? long.length : index;
  };
  return [...tasks].sort((a, b) => rank(a) - rank(b));
}

function testTasks(checkout: string, name: string): Task[] {
  const compiled = join(checkout, 'dist/test', name.replace(/\.ts$/, '.js'));
  if (!existsSync(compiled)) throw new Error(`${compiled} is missing, run: npm run build`);
  const task = (kind: Task['kind'], label: string, argv: readonly string[]): Task => ({
    name: label,
    kind,
    argv,
    timeoutMs: limitMs[kind],
  });
  const here = [process.execPath, compiled];
  if (name.startsWith('trixie/')) return [task('trixie', `test/${name}`, here)];
  if (!name.startsWith('cluster/')) return [task('unit', `test/${name}`, here)];
  const inTrixie = [join(checkout, 'scripts/in-trixie'), 'servers', 'node', compiled];
  return [task('cluster', `test/${name}`, here), task('trixie', `trixie:test/${name}`, inTrixie)];
}

function lintTasks(checkout: string): Task[] {
  const lints: [name: string, ...args: string[]][] = [
    ['eslint', '.', '--max-warnings', '0'],
    ['prettier', '--check', '.'],
    ['knip', '--no-progress'],
  ];
  const lint = (name: string, ...argv: string[]): Task => ({
    name: `lint:${name}`,
    kind: 'lint',
    argv,
    timeoutMs: limitMs.lint,
  });
  return [
    ...lints.map(([name, ...args]) => lint(name, join(checkout, 'node_modules/.bin', name), ...args)),
    lint('licences', join(checkout, 'scripts/audit'), '--offline'),
  ];
}
