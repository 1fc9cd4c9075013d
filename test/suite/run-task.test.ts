import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { groupRuns, runTask } from './run-task.js';
import type { Task } from './tasks.js';

const cases: {
  what: string;
  kind?: Task['kind'];
  script: string;
  timeoutMs?: number;
  passed: number;
  failed: string[];
}[] = [
  { what: 'points that are ok', script: 'echo "ok 1 - a"; echo "ok 2 - b"', passed: 2, failed: [] },
  { what: 'a point that is not', script: 'echo "not ok 1 - a"; exit 1', passed: 0, failed: ['a'] },
  { what: 'no assertion', script: 'echo "1..0"', passed: 0, failed: ['exit 0 without any assertion'] },
  { what: 'a crash after points', script: 'echo "ok 1 - a"; kill -SEGV $$', passed: 1, failed: ['SIGSEGV'] },
  { what: 'a bad exit after points', script: 'echo "ok 1 - a"; exit 3', passed: 1, failed: ['exit 3'] },
  {
    what: 'a file that hangs',
    script: 'echo "ok 1 - a"; sleep 600',
    timeoutMs: 300,
    passed: 1,
    failed: ['not done after 0.3 s'],
  },
  {
    what: 'a process left behind',
    script: 'echo "ok 1 - a"; sleep 600 >/dev/null 2>&1 &',
    passed: 1,
    failed: ['exit 0, leaving processes behind'],
  },
  { what: 'a linter that is content', kind: 'lint', script: 'echo ok 1', passed: 1, failed: [] },
  { what: 'a linter that complains', kind: 'lint', script: 'exit 2', passed: 0, failed: ['exit 2'] },
];

t.test('what the end of a task means', async (t) => {
  for (const { what, kind = 'unit', script, timeoutMs = 30_000, passed, failed } of cases) {
    const file = join(t.testdir(), 'pid');
    const task: Task = { name: what, kind, argv: ['sh', '-c', `echo $$ >'${file}'; ${script}`], timeoutMs };
    const result = await runTask(task, { cwd: '/', environment: process.env });
    t.same([result.passed, result.failed.map(({ title }) => title)], [passed, failed], what);
    const group = Number(readFileSync(file, 'utf8'));
    t.notOk(groupRuns(group), `${what}: no process is left`);
  }
});

t.test('a program that is not there has failed', async (t) => {
  const task: Task = { name: 'none', kind: 'lint', argv: ['/does/not/exist'], timeoutMs: 1000 };
  t.notOk(existsSync('/does/not/exist'));
  const { passed, failed } = await runTask(task, { cwd: '/', environment: {} });
  t.equal(passed, 0);
  t.match(failed, [{ title: /^could not be started: .*ENOENT/ }]);
});
