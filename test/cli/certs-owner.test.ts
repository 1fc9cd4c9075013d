import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

const idOf = (user: string): number => Number(execFileSync('id', ['-u', user], { encoding: 'utf8' }));
const skip = process.getuid?.() === 0 ? false : 'only root may give files away';

const run = (user: { uid?: number; gid?: number }, ...words: string[]) =>
  spawnSync(process.execPath, [program, 'certs', ...words, '--key-type', 'ec'], {
    encoding: 'utf8',
    ...user,
  });

t.test('what root makes for a node belongs to the server’s user, and the CA’s key to root', { skip }, (t) => {
  const dir = t.testdir();
  const mysql = idOf('mysql');
  t.equal(run({}, 'init-ca', '--dir', dir).status, 0);
  t.equal(run({}, 'issue', 'node1', '--dir', dir).status, 0);
  t.equal(run({}, 'self-signed', 'node2', '--dir', dir, '--owner', 'nobody').status, 0);
  const owners = Object.fromEntries(readdirSync(dir).map((name) => [name, statSync(join(dir, name)).uid]));
  t.strictSame(owners, {
    'ca.crt': 0,
    'ca.key': 0,
    'node1.crt': mysql,
    'node1.key': mysql,
    'node2.crt': idOf('nobody'),
    'node2.key': idOf('nobody'),
  });
  t.end();
});

t.test('who cannot read the key of the CA is not told to open it, nor to make another CA', { skip }, (t) => {
  const dir = t.testdir();
  const ca = join(dir, 'ca');
  t.equal(run({}, 'init-ca', '--dir', ca).status, 0);
  const nobody = { uid: idOf('nobody'), gid: idOf('nobody') };
  for (const [mode, file] of [
    [0o755, 'ca.key'],
    [0o700, 'ca.crt'],
  ] as const) {
    chmodSync(ca, mode);
    const { status, stderr } = run(nobody, 'issue', 'node1', '--dir', dir, '--ca-dir', ca);
    t.equal(status, 22);
    t.match(stderr, `CERTIFICATE_UNREADABLE: ${join(ca, file)} cannot be read`);
    t.match(stderr, /HINT: run this command as root or as the owner of the file/);
    t.notMatch(stderr, /chown|init-ca/);
  }
  t.end();
});

t.test('an owner that does not exist, or that only root could give them to, is refused', { skip }, (t) => {
  const dir = t.testdir();
  mkdirSync(join(dir, 'open'));
  chmodSync(join(dir, 'open'), 0o777);
  const nobody = { uid: idOf('nobody'), gid: idOf('nobody') };
  const make = ['self-signed', 'node1', '--dir', join(dir, 'open')];
  const cases = [
    [{}, 'no such user', /there is no user no such user on this host/],
    [nobody, 'root', /only root may give files to root/],
  ] as const;
  for (const [user, owner, says] of cases) {
    const { status, stderr } = run(user, ...make, '--owner', owner);
    t.equal(status, 22, owner);
    t.match(stderr, says);
    t.strictSame(readdirSync(join(dir, 'open')), []);
  }
  t.equal(run(nobody, ...make, '--owner', 'nobody').status, 0, 'oneself is nobody else');
  t.end();
});
