import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';

const script = readFileSync(fileURLToPath(new URL('../../../.ci/run', import.meta.url)), 'utf8');

/** What `.ci/run` prints and ends with beside scripts that say how they were called. */
function runCi(t: Test, words: readonly string[], fake: Readonly<Record<string, string>> = {}) {
  const scripts = {
    audit: 'true',
    test: 'echo 5 passed, 0 failed',
    coverage: 'echo 90 %',
    'with-node': 'shift; exec "$@"',
    ...fake,
  };
  const said = ([name, does]: [string, string]): [string, string] => [
    name,
    `#!/bin/sh\necho "${name}: $*"\n${does}\n`,
  ];
  const folder = t.testdir({
    '.ci': { run: script },
    scripts: Object.fromEntries(Object.entries(scripts).map(said)),
  });
  for (const name of ['.ci/run', ...Object.keys(scripts).map((name) => `scripts/${name}`)])
    chmodSync(join(folder, name), 0o755);
  const { status, stdout, stderr } = spawnSync(join(folder, '.ci/run'), words, { encoding: 'utf8' });
  return { status, stderr, lines: stdout.trimEnd().split('\n') };
}

t.test('audit and tests, and the last line is theirs', async (t) => {
  const lines = ['audit: --registry-may-be-silent', 'test: ', '5 passed, 0 failed'];
  t.strictSame(runCi(t, []), { status: 0, stderr: '', lines });
  t.equal(runCi(t, ['--audited']).lines[0], 'audit: ');
  const failing = runCi(t, [], { test: 'echo 4 passed, 1 failed; exit 1' });
  t.match(failing, { status: 1, lines: { 2: '4 passed, 1 failed' } });
  t.match(runCi(t, [], { audit: 'exit 1' }), { status: 1, lines: { 1: '0 passed, 1 failed' } });
});

t.test('an unknown word is refused before anything is run', async (t) => {
  for (const words of [['--auditd'], ['--all', 'unit']]) {
    const { status, stderr, lines } = runCi(t, words);
    t.equal(status, 22);
    t.match(stderr, /^run: expected --audited or --all, got /);
    t.strictSame(lines, ['']);
  }
});

t.test('everything: all of it is run, whatever fails, and counted together', async (t) => {
  const { status, lines } = runCi(t, ['--all', '--audited']);
  t.equal(status, 0);
  t.strictSame(
    lines.filter((line) => line.includes(':')),
    [
      'audit: ',
      'test: ',
      'coverage: ',
      'with-node: 22 ./scripts/test --suite unit',
      'test: --suite unit',
      'with-node: 22 ./scripts/test --suite cluster --only cluster/(agent|join|resume)\\.test',
      'test: --suite cluster --only cluster/(agent|join|resume)\\.test',
      'with-node: 24 ./scripts/test --suite unit',
      'test: --suite unit',
      'with-node: 24 ./scripts/test --suite cluster --only cluster/(agent|join|resume)\\.test',
      'test: --suite cluster --only cluster/(agent|join|resume)\\.test',
      'test: --suite trixie',
    ],
  );
  t.equal(lines.at(-1), '31 passed, 0 failed');
  const failing = runCi(t, ['--all'], { coverage: 'exit 1', 'with-node': 'exit 3' });
  t.match(failing, { status: 1 });
  t.equal(failing.lines.at(-1), '10 passed, 5 failed');
  const counted = runCi(t, ['--all'], { test: 'echo 3 passed, 2 failed; exit 1' });
  t.equal(counted.lines.at(-1), '19 passed, 12 failed');
  const silent = runCi(t, ['--all'], { test: 'echo 3 passed, 0 failed; exit 1' });
  t.equal(silent.lines.at(-1), '19 passed, 6 failed', 'what says that all is well and fails');
});
