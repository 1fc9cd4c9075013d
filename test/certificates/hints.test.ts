import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { loadIdentity } from '../../src/certificates/identity.js';
import { issueCrl } from '../../src/certificates/issue-crl.js';
import { loadRevocation } from '../../src/certificates/revocation.js';
import { loadTrust } from '../../src/certificates/trust.js';
import { ca, failureOf, folder, node, openssl, option } from './given.js';

const { certPem, keyPem } = await node({ commonName: 'node1.my.cluster' });
const dates = { thisUpdate: new Date(), nextUpdate: new Date(Date.now() + 86_400_000) };
const odd = `it's "a" $(touch pwned); dir`;

function oddFolder(t: Test): ReturnType<typeof folder> {
  const { path, write } = folder(t);
  mkdirSync(join(path, odd));
  return { path: join(path, odd), write: (name, text, mode) => write(join(odd, name), text, mode) };
}

/** Pastes the command at the end of a hint into a shell, in a directory where new files may lie. */
function paste(hint: string | undefined, cwd: string): void {
  const command = hint?.replace(/^[a-z ]+: /, '') ?? 'false';
  const { status, stderr } = spawnSync('sh', ['-c', command], { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
}

t.test('the command of a hint does what it says when it is pasted, whatever the path', async (t) => {
  t.test('a key that everybody can read', async (t) => {
    const { path, write } = oddFolder(t);
    const key = write('node.key', keyPem, 0o644);
    const load = () =>
      loadIdentity({ cert: option('tcert', write('node.crt', certPem)), key: option('tkey', key) });
    paste(load().findings[0]?.hint, path);
    t.equal(statSync(key).mode & 0o777, 0o600);
    t.same(load().findings, []);
  });

  t.test('a certificate and a key in DER', async (t) => {
    const { path, write } = oddFolder(t);
    const pem = { cert: write('node.crt', certPem), key: write('node.key', keyPem) };
    const der = { cert: join(path, 'cert.der'), key: join(path, 'key.der') };
    openssl(['x509', '-in', pem.cert, '-outform', 'DER', '-out', der.cert]);
    openssl(['pkey', '-in', pem.key, '-outform', 'DER', '-out', der.key]);
    const cases = [
      { ...pem, cert: der.cert, fixed: { ...pem, cert: join(path, 'NEW.pem') } },
      { ...pem, key: der.key, fixed: { ...pem, key: join(path, 'NEW.pem') } },
    ];
    const load = ({ cert, key }: typeof pem) =>
      loadIdentity({ cert: option('tcert', cert), key: option('tkey', key) });
    for (const one of cases) {
      paste(failureOf(() => load(one)).hint, path);
      chmodSync(join(path, 'NEW.pem'), 0o600);
      t.same(load(one.fixed).findings, []);
    }
  });

  t.test('directories without hash names', async (t) => {
    const { path, write } = oddFolder(t);
    write('ca.pem', ca.certPem);
    const setting = option('tcap', path);
    paste(failureOf(() => loadTrust({ caPath: setting })).hint, '/');
    t.equal(loadTrust({ caPath: setting }).certificates.length, 1);
    const lists = { crlPath: option('ssl-crlpath', path) };
    write('crl.pem', await issueCrl({ ca, revoked: new Map(), number: 1n, ...dates }));
    paste(failureOf(() => loadRevocation(lists)).hint, '/');
    t.ok(loadRevocation(lists));
  });
});
