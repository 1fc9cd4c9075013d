import { appendFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { watchFiles } from '../../src/transfers/watch-files.js';

/** Watches until the test ends; `changes` counts, `noticed` resolves with the next one. */
function watching(
  t: Test,
  paths: readonly string[],
  settling = { settleMs: 500, atLatestMs: 10_000 },
): { changes: number; noticed: () => Promise<void> } {
  const stop = new AbortController();
  const keepAlive = setInterval(() => undefined, 1000);
  t.teardown(() => {
    stop.abort();
    clearInterval(keepAlive);
  });
  let tell = (): void => undefined;
  const seen = { changes: 0, noticed: () => new Promise<void>((resolve) => (tell = resolve)) };
  const onChange = (): void => {
    seen.changes += 1;
    tell();
  };
  watchFiles(paths, onChange, stop.signal, settling);
  return seen;
}

t.test('a file that is replaced is noticed, once, and others are not', { timeout: 20_000 }, async (t) => {
  const dir = t.testdir({ 'node.crt': 'old', 'other.crt': '' });
  const seen = watching(t, [join(dir, 'node.crt'), join(dir, 'node.key'), '/nowhere/at/all']);
  const noticed = seen.noticed();
  writeFileSync(join(dir, 'other.crt'), 'new');
  writeFileSync(join(dir, 'draft'), 'new');
  renameSync(join(dir, 'draft'), join(dir, 'node.crt'));
  writeFileSync(join(dir, 'node.key'), 'new');
  await noticed;
  t.equal(seen.changes, 1);
});

t.test('a file beside others that change all the time is noticed before they rest', async (t) => {
  const dir = t.testdir({ 'node.crt': 'old', crls: {} });
  const seen = watching(t, [join(dir, 'node.crt'), `${dir}/crls/`], { settleMs: 400, atLatestMs: 1000 });
  const noticed = seen.noticed();
  writeFileSync(join(dir, 'node.crt'), 'new');
  const writing = setInterval(() => writeFileSync(join(dir, 'crls/a.pem'), ''), 50);
  // It must end before the directory does.
  await noticed.finally(() => clearInterval(writing));
  t.equal(seen.changes, 1);
});

t.test('a link on the way that is turned elsewhere is noticed', { timeout: 20_000 }, async (t) => {
  const dir = t.testdir({
    one: { 'tls.crt': 'old' },
    two: { 'tls.crt': 'new' },
    data: t.fixture('symlink', 'one'),
    'tls.crt': t.fixture('symlink', 'data/tls.crt'),
  });
  const noticed = watching(t, [join(dir, 'tls.crt')]).noticed();
  symlinkSync('two', join(dir, 'draft'));
  renameSync(join(dir, 'draft'), join(dir, 'data'));
  await noticed;
  t.pass('it was noticed');
});

t.test('a file among others that are always written is still noticed', { timeout: 60_000 }, async (t) => {
  const dir = t.testdir({ 'node.crt': 'old', ib_logfile0: '' });
  const seen = watching(t, [join(dir, 'node.crt')]);
  const begunMs = performance.now();
  // So many that they are not listened to any longer, and then until those of a moment ago have arrived.
  while (performance.now() - begunMs < 500) {
    for (let i = 0; i < 50; i++) appendFileSync(join(dir, 'ib_logfile0'), 'x');
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.equal(seen.changes, 0);
  const before = process.cpuUsage();
  const noticed = seen.noticed();
  writeFileSync(join(dir, 'node.crt'), 'new');
  await noticed;
  const { user, system } = process.cpuUsage(before);
  t.ok(user + system < 1e6, 'looking costs little', { user, system });
});
