import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { removeTree } from '../src/remove-tree.js';

// Of the versions that this program runs with only node 24 leaves something without these attempts.
t.test('nothing is left, also where something else removes a part of it at the same time', async (t) => {
  const dir = t.testdir();
  for (let round = 1; round <= 10; round++) {
    const tree = join(dir, 'tree');
    mkdirSync(join(tree, 'part'), { recursive: true });
    for (let index = 0; index < 300; index++) writeFileSync(join(tree, 'part', String(index)), '');
    const other = spawn('sh', ['-c', 'echo begins; rm -rf -- "$1"', 'sh', join(tree, 'part')], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = once(other, 'close');
    await once(other.stdout, 'data');
    removeTree(tree);
    t.notOk(existsSync(tree), `round ${round}`);
    await ended;
  }
});

t.test('what is not there is gone, and a link is removed, not what it leads to', async (t) => {
  const dir = t.testdir({ kept: { file: '' } });
  t.doesNotThrow(() => removeTree(join(dir, 'none')));
  symlinkSync(join(dir, 'kept'), join(dir, 'link'));
  removeTree(join(dir, 'link'));
  t.notOk(existsSync(join(dir, 'link')));
  t.ok(existsSync(join(dir, 'kept', 'file')));
});

t.test('what cannot be removed is an error', async (t) => {
  t.throws(() => removeTree('/proc/self/fdinfo'), { code: /^E/ });
});
