import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openAdviser } from '../../src/page-cache/advise.js';

/** Bytes of the file in the page cache. */
const cachedBytes = (file: string): number =>
  Number(execFileSync('fincore', ['--bytes', '--noheadings', '--output', 'RES', file], { encoding: 'utf8' }));

t.test('what is on disk leaves the page cache, and the file stays as it is', async (t) => {
  const advise = openAdviser();
  const file = join(t.testdir({}), 'größe & $(more) %.ibd');
  writeFileSync(file, Buffer.alloc(4 << 20, 'page'));
  execFileSync('sync', [file]);
  const before = statSync(file);
  t.equal(cachedBytes(file), 4 << 20);
  t.equal(advise(file), true);
  t.equal(cachedBytes(file), 0);
  const after = statSync(file);
  t.same([after.mtimeMs, after.ctimeMs, after.size], [before.mtimeMs, before.ctimeMs, before.size]);
  t.ok(readFileSync(file).equals(Buffer.alloc(4 << 20, 'page')));
});

t.test('what has changed begins to be written to disk', async (t) => {
  const advise = openAdviser();
  const file = join(t.testdir({}), 'a.ibd');
  writeFileSync(file, Buffer.alloc(4 << 20, 'page'));
  for (let tries = 0; tries < 100 && cachedBytes(file) > 0; tries++) {
    t.equal(advise(file), true);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.equal(cachedBytes(file), 0, 'without anybody asking the disk');
});

t.test('links are followed, and what is no file that can be opened is told', async (t) => {
  const advise = openAdviser();
  const dir = t.testdir({ 'a.ibd': 'a' });
  symlinkSync('a.ibd', join(dir, 'link'));
  symlinkSync('nothing', join(dir, 'dangling'));
  mkdirSync(join(dir, 'folder'));
  t.equal(advise(join(dir, 'link')), true);
  for (const name of ['dangling', 'nothing', 'folder', 'a.ibd/b', 'x'.repeat(70_000)])
    t.equal(advise(join(dir, name)), false, name.slice(0, 20));
  const short = join(dir, 'a.ibd');
  t.equal(advise(short), true, 'after longer ones');
  for (let call = 0; call < 100_000; call++) advise(short);
  t.equal(advise(short), true, 'no descriptor is left open');
});
