import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { createWatch } from '../../src/agent/rewatch.js';

/** Watches as checks do: after each change what is there then. */
function watching(t: Test, paths: readonly string[]): { noticed: () => Promise<void> } {
  const stop = new AbortController();
  const keepAlive = setInterval(() => undefined, 1000);
  t.teardown(() => {
    stop.abort();
    clearInterval(keepAlive);
  });
  let seen = 0;
  let told = 0;
  let tell = (): void => undefined;
  const watch = createWatch(() => {
    seen += 1;
    watch(paths);
    tell();
  }, stop.signal);
  watch(paths);
  const noticed = async (): Promise<void> => {
    while (seen === told) await new Promise<void>((resolve) => (tell = resolve));
    told = seen;
  };
  return { noticed };
}

t.test(
  'a directory that takes the place of another is watched from then on',
  { timeout: 20_000 },
  async (t) => {
    const dir = t.testdir({ ssl: { 'node.crt': 'old' }, 'ssl.new': { 'node.crt': 'new' } });
    const { noticed } = watching(t, [join(dir, 'ssl/node.crt')]);
    renameSync(join(dir, 'ssl'), join(dir, 'ssl.old'));
    renameSync(join(dir, 'ssl.new'), join(dir, 'ssl'));
    await noticed();
    writeFileSync(join(dir, 'ssl/node.crt'), 'newer');
    await noticed();
    t.pass('both were noticed');
  },
);

t.test('a directory that was missing is watched once it is there', { timeout: 20_000 }, async (t) => {
  const dir = t.testdir();
  const { noticed } = watching(t, [join(dir, 'etc/ssl/node.crt'), join(dir, 'etc/crls/')]);
  for (const name of ['etc', 'etc/ssl', 'etc/crls']) {
    mkdirSync(join(dir, name));
    await noticed();
  }
  writeFileSync(join(dir, 'etc/ssl/node.crt'), 'new');
  await noticed();
  writeFileSync(join(dir, 'etc/crls/one.pem'), 'new');
  await noticed();
  t.pass('each was noticed');
});

t.test('behind a link that was turned elsewhere changes are noticed, too', { timeout: 20_000 }, async (t) => {
  const dir = t.testdir({
    one: { 'tls.crt': 'old' },
    two: { 'tls.crt': 'new' },
    data: t.fixture('symlink', 'one'),
    ssl: { 'tls.crt': t.fixture('symlink', '../data/tls.crt') },
  });
  const { noticed } = watching(t, [join(dir, 'ssl/tls.crt')]);
  symlinkSync('two', join(dir, 'draft'));
  renameSync(join(dir, 'draft'), join(dir, 'data'));
  await noticed();
  writeFileSync(join(dir, 'two/tls.crt'), 'newer');
  await noticed();
  t.pass('both were noticed');
});
