import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { writeFiles } from '../../src/certificates/write-files.js';

const textOf = (path: string): string => readFileSync(path, 'utf8');

t.test('files appear with their modes, directories are made, and no draft is left', async (t) => {
  const dir = t.testdir();
  const [key, cert] = [join(dir, 'new/a.key'), join(dir, 'new/a.crt')];
  const files = [
    { path: key, text: 'key', mode: 0o600 },
    { path: cert, text: 'cert', mode: 0o644 },
  ];
  writeFiles(files, { isForced: false });
  t.strictSame([textOf(key), textOf(cert)], ['key', 'cert']);
  t.strictSame(
    [key, cert].map((path) => statSync(path).mode & 0o777),
    [0o600, 0o644],
  );
  t.strictSame(readdirSync(join(dir, 'new')), ['a.crt', 'a.key']);
});

t.test('a strict umask closes neither certificates nor the directories made for them', async (t) => {
  const dir = t.testdir({ there: {} });
  chmodSync(join(dir, 'there'), 0o700);
  const before = process.umask(0o077);
  t.teardown(() => process.umask(before));
  const files = [
    { path: join(dir, 'there/new/below/a.crt'), text: 'cert', mode: 0o644 },
    { path: join(dir, 'there/new/below/a.key'), text: 'key', mode: 0o600 },
  ];
  writeFiles(files, { isForced: false });
  const modes = ['there', 'there/new', 'there/new/below', 'there/new/below/a.crt', 'there/new/below/a.key'];
  t.strictSame(
    modes.map((name) => statSync(join(dir, name)).mode & 0o777),
    [0o700, 0o755, 0o755, 0o644, 0o600],
  );
});

t.test('one that exists keeps all from being written', async (t) => {
  const dir = t.testdir({ b: 'old' });
  const files = ['a', 'b'].map((name) => ({ path: join(dir, name), text: 'new', mode: 0o600 }));
  t.throws(() => writeFiles(files, { isForced: false }), {
    code: 'FILE_EXISTS',
    message: /\/b exists already$/,
  });
  t.equal(existsSync(join(dir, 'a')), false);
  t.equal(textOf(join(dir, 'b')), 'old');
  writeFiles(files, { isForced: true });
  t.strictSame(
    ['a', 'b'].map((name) => textOf(join(dir, name))),
    ['new', 'new'],
  );
  t.throws(() => writeFiles(files, { isForced: false, existsHint: 'renew' }), {
    message: /\/a and .*\/b exist already$/,
    hint: 'renew',
  });
});

t.test('a key that was open to all is closed when it is replaced', async (t) => {
  const path = join(t.testdir({ key: 'old' }), 'key');
  chmodSync(path, 0o644);
  writeFiles([{ path, text: 'new', mode: 0o600 }], { isForced: true });
  t.equal(statSync(path).mode & 0o777, 0o600);
});

t.test('what cannot be written is said with the path', async (t) => {
  const dir = t.testdir();
  writeFileSync(join(dir, 'file'), '');
  const file = { path: join(dir, 'file/below'), text: '', mode: 0o600 };
  t.throws(() => writeFiles([file], { isForced: false }), {
    code: 'DIRECTORY_NOT_WRITABLE',
    message: /cannot write .*file\/below: E/,
    hint: /--dir/,
  });
});
