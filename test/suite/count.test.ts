import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { countPoints, inShort } from './count.js';

const cases: { what: string; tap: string; passed: number; failed: string[] }[] = [
  { what: 'nothing', tap: '1..0 # no tests found\n', passed: 0, failed: [] },
  { what: 'plain points', tap: 'ok 1 - a\nnot ok 2 - b\nok 3\n1..3\n', passed: 2, failed: ['b'] },
  {
    what: 'a test counts as what it holds',
    tap: '    ok 1 - a\n    ok 2 - b\n    1..2\nok 1 - both\n',
    passed: 2,
    failed: [],
  },
  {
    what: 'tests in tests',
    tap: '        not ok 1 - a\n    not ok 1 - in\n    ok 2 - b\nnot ok 1 - out # time=1.5ms\nok 2 - c\n',
    passed: 2,
    failed: ['a'],
  },
  {
    what: 'skipped',
    tap: 'ok 1 - a # SKIP no namespaces\nok 2 - b # time=3ms\n',
    passed: 1,
    failed: ['a # SKIP no namespaces'],
  },
  { what: 'a title with an escaped sign', tap: 'ok 1 - a \\# skip\n', passed: 1, failed: [] },
  { what: 'still to be done', tap: 'not ok 1 - a # TODO\n', passed: 0, failed: ['a # TODO'] },
  {
    what: 'text that looks like points',
    tap: 'not ok 1 - a\n  ---\n  ok 1 - x\n  ...\nokay\n',
    passed: 0,
    failed: ['a'],
  },
];

t.test('leaves are counted', (t) => {
  for (const { what, tap, passed, failed } of cases) {
    const counts = countPoints(tap);
    t.same([counts.passed, counts.failed.map(({ title }) => title)], [passed, failed], what);
  }
  t.end();
});

t.test('the count is that of tap itself, and diagnostics are kept', (t) => {
  const file = join(
    t.testdir({
      'sample.mjs': `import t from ${JSON.stringify(import.meta.resolve('tap'))};
        t.pass('top');
        t.test('outer', async (t) => {
          await t.test('inner', async (t) => { t.equal(1, 2, 'numbers'); t.same({ a: 1 }, { a: 2 }, 'objects'); });
          await t.test('buffered', { buffered: true }, async (t) => { t.pass('one'); t.pass('two'); });
          t.pass('an opening brace {');
        });
        t.test('left out', { skip: 'why' }, () => undefined);
        t.test('throws', async () => { throw new Error('boo'); });`,
    }),
    'sample.mjs',
  );
  const { stdout, status } = spawnSync(process.execPath, [file], { encoding: 'utf8', env: {} });
  const [, total, failed] = /^# \{ total: (\d+), pass: \d+, fail: (\d+), skip: 1 \}$/m.exec(stdout) ?? [];
  const counts = countPoints(stdout);
  t.equal(status, 1);
  t.equal(counts.passed + counts.failed.length, Number(total));
  t.equal(counts.failed.length, Number(failed) + 1, 'a skipped test counts as failed here');
  t.match(counts.failed[1]?.details, /"a": 2/);
  t.end();
});

t.test('in short a failed point has what differs and what was told with it', (t) => {
  const details = [
    ...['  diff: |', '    --- expected', '    +++ actual', '    -1', '    +2', '  at:', '    fileName: x.js'],
    ...['  stack: |', '    a (x.js:1:2)', '', '    at: b', '  causes:', '    donor: "TIMED_OUT: late"'],
    ...['  source: |', '    t.equal(1, 2)'],
  ];
  t.equal(
    inShort(details.join('\n')),
    '  diff: |\n    --- expected\n    +++ actual\n    -1\n    +2\n  causes:\n    donor: "TIMED_OUT: late"',
  );
  t.equal(inShort(''), '');
  t.equal(inShort(`  diff: |\n    ${'x'.repeat(5000)}`).length, 1500);
  t.end();
});
