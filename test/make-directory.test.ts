import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { makeDirectory } from '../src/make-directory.js';

t.test('what lacks is made, and the uppermost told', async (t) => {
  const dir = t.testdir({});
  t.equal(makeDirectory(join(dir, 'a', 'b', 'c'), 0o700), join(dir, 'a'));
  t.equal(statSync(join(dir, 'a', 'b', 'c')).mode & 0o777, 0o700);
  t.equal(makeDirectory(join(dir, 'a', 'b', 'c'), 0o700), undefined);
  t.equal(makeDirectory(join(dir, 'a', 'd'), 0o700), join(dir, 'a', 'd'));
  t.equal(makeDirectory('/', 0o700), undefined);
  t.equal(makeDirectory('/proc/self', 0o700), undefined);
});

t.test('what cannot be made ends with the error, also where names cannot be new', async (t) => {
  const dir = t.testdir({ file: '' });
  t.throws(() => makeDirectory(join(dir, 'file'), 0o700), { code: 'EEXIST' });
  t.throws(() => makeDirectory(join(dir, 'file', 'below'), 0o700), { code: 'ENOTDIR' });
  t.throws(() => makeDirectory('/proc/x', 0o700), { code: 'ENOENT' });
  t.throws(() => makeDirectory('/proc/x/y', 0o700), { code: 'ENOENT' });
  t.notOk(existsSync('/proc/x'));
});
