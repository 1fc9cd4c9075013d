import { linkSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { replaceDurably } from '../src/durable-file.js';

t.test('a file is replaced as a whole: whoever has the old one open goes on reading that', async (t) => {
  const dir = t.testdir({ file: 'old' });
  const file = join(dir, 'file');
  linkSync(file, join(dir, 'opened'));
  replaceDurably(file, 'new', { mode: 0o600 });
  t.equal(readFileSync(file, 'utf8'), 'new');
  t.equal(readFileSync(join(dir, 'opened'), 'utf8'), 'old');
  t.equal(statSync(file).mode & 0o777, 0o600);
  replaceDurably(file, 'newer', { mode: 0o600, draft: `${file}.draft` });
  t.equal(readFileSync(file, 'utf8'), 'newer');
  t.strictSame(readdirSync(dir).sort(), ['file', 'opened'], 'nothing else is left');
});

t.test('a file system that is full or refuses is named with the file', async (t) => {
  t.throws(() => replaceDurably('/sys/x', 'text', { mode: 0o600 }), {
    code: 'DIRECTORY_NOT_WRITABLE',
    message: /^cannot write \/sys\/x: /,
  });
  t.throws(() => replaceDurably(join(t.testdir({}), 'x'), 'text', { mode: 0o600, draft: '/dev/full' }), {
    code: 'DISK_FULL',
    message: /^cannot write \S+\/x: no space left on device \(ENOSPC, write\)$/,
  });
});
