import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { watchFiles } from '../../src/transfers/watch-files.js';

t.test('a file that is replaced is noticed, once, and others are not', { timeout: 20_000 }, async (t) => {
  const dir = t.testdir({ 'node.crt': 'old', 'other.crt': '' });
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const keepAlive = setInterval(() => undefined, 1000);
  t.teardown(() => clearInterval(keepAlive));
  let changes = 0;
  const noticed = new Promise<void>((resolve) => {
    watchFiles(
      [join(dir, 'node.crt'), join(dir, 'node.key'), '/nowhere/at/all'],
      () => {
        changes += 1;
        resolve();
      },
      stop.signal,
    );
  });
  writeFileSync(join(dir, 'other.crt'), 'new');
  writeFileSync(join(dir, 'draft'), 'new');
  renameSync(join(dir, 'draft'), join(dir, 'node.crt'));
  writeFileSync(join(dir, 'node.key'), 'new');
  await noticed;
  t.equal(changes, 1);
});
