import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadIdentity } from '../../src/certificates/identity.js';
import { issueCertificate } from '../../src/certificates/issue.js';
import { splitPem } from '../../src/certificates/pem.js';
import type { ErrorCode } from '../../src/errors.js';
import { ca, failureOf, folder, node, openssl, option } from './given.js';

const intermediate = await node({ commonName: 'Intermediate CA', isCa: true });
const leaf = await issueCertificate({ ca: intermediate, commonName: 'node1', keyType: 'ec' });
const stranger = await node({ commonName: 'node2' });
const { certPem, keyPem } = leaf;

t.test('certificates and key are found in any order', (t) => {
  const { write } = folder(t);
  const cases = [
    { title: 'key, leaf, intermediate', text: keyPem + certPem + intermediate.certPem, asGiven: true },
    { title: 'leaf, intermediate, key', text: certPem + intermediate.certPem + keyPem, asGiven: true },
    {
      title: 'leaf, root, intermediate',
      text: keyPem + certPem + ca.certPem + intermediate.certPem,
      asGiven: true,
    },
    { title: 'intermediate before leaf', text: intermediate.certPem + certPem + keyPem, asGiven: false },
    {
      title: 'another key first',
      text: stranger.keyPem + keyPem + certPem + intermediate.certPem,
      asGiven: false,
    },
    { title: 'a byte order mark', text: `\uFEFF${certPem}${keyPem}${intermediate.certPem}`, asGiven: false },
    {
      title: 'CRLF and text',
      text: `hello\n${certPem}${intermediate.certPem}${keyPem}`.replaceAll('\n', '\r\n'),
      asGiven: true,
    },
  ];
  for (const { title, text, asGiven } of cases) {
    const identity = loadIdentity({ cert: option('tcert', write('bundle.pem', text)) });
    t.match(identity, { leaf: { commonName: 'node1' }, asGiven, findings: [] }, title);
    t.same(
      identity.chain.map((facts) => facts.commonName),
      ['Intermediate CA'],
      title,
    );
    const order = splitPem(identity.normalisedPem).map((block) => block.label);
    t.same(order, ['CERTIFICATE', 'CERTIFICATE', 'PRIVATE KEY'], title);
    t.equal(identity.normalisedPem, certPem + intermediate.certPem + keyPem, title);
  }
  t.end();
});

t.test('every kind of key fits its certificate', async (t) => {
  const { write } = folder(t);
  for (const keyType of ['rsa', 'ec', 'ed25519'] as const) {
    const issued = await node({ commonName: keyType, keyType, rsaBits: 2048 });
    const cert = option('tcert', write(`${keyType}.crt`, issued.certPem));
    const key = option('tkey', write(`${keyType}.key`, issued.keyPem));
    t.match(loadIdentity({ cert, key }), {
      leaf: { commonName: keyType },
      keyPem: issued.keyPem,
      asGiven: true,
    });
  }
});

t.test("openssl's own EC key file, with its parameters in front, is read", (t) => {
  const { path, write } = folder(t);
  const key = write('k', openssl(['ecparam', '-name', 'prime256v1', '-genkey']));
  const cert = join(path, 'c');
  openssl(['req', '-x509', '-key', key, '-out', cert, '-subj', '/CN=x']);
  t.match(loadIdentity({ cert: option('tcert', cert), key: option('tkey', key) }), { asGiven: true });
  t.end();
});

t.test('a key that everyone can read or change is a warning', (t) => {
  const { write } = folder(t);
  const key = write('node.key', keyPem);
  const cert = write('c', certPem);
  for (const [mode, can] of [
    [0o644, 'read'],
    [0o602, 'change'],
    [0o666, 'read and change'],
  ] as const) {
    chmodSync(key, mode);
    const { findings } = loadIdentity({ cert: option('tcert', cert), key: option('tkey', key) });
    const message = `every user of this host can ${can} the private key in ${key} (mode 0${mode.toString(8)})`;
    const found = { severity: 'warning', code: 'KEY_EXPOSED', option: 'tkey', where: '/etc/mysql/my.cnf:7' };
    t.match(findings, [{ ...found, message, hint: `chmod 0600 ${key}` }]);
    t.equal(findings.length, 1);
  }
  chmodSync(key, 0o660);
  t.same(loadIdentity({ cert: option('tcert', cert), key: option('tkey', key) }).findings, []);
  t.end();
});

t.test('each failure names the file, the option and its place', (t) => {
  const { path, write } = folder(t);
  mkdirSync(join(path, 'dir'));
  const certDer = join(path, 'der');
  openssl(['x509', '-in', write('c', certPem), '-outform', 'DER', '-out', certDer]);
  const keyDer = join(path, 'kder');
  openssl(['pkey', '-in', write('k', keyPem), '-outform', 'DER', '-out', keyDer]);
  const p12 = join(path, 'p12');
  openssl([
    'pkcs12',
    '-export',
    '-in',
    join(path, 'c'),
    '-inkey',
    join(path, 'k'),
    '-out',
    p12,
    '-passout',
    'pass:x',
  ]);
  const pkcs8 = openssl(['pkey', '-in', join(path, 'k'), '-aes128', '-passout', 'pass:x']);
  const traditional = openssl(['ec', '-in', join(path, 'k'), '-aes128', '-passout', 'pass:x']);
  const damaged = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  const damagedKey = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
  const good = join(path, 'c');
  const cases: { cert: string; key?: string; code: ErrorCode; message: RegExp; hint?: RegExp }[] = [
    { cert: join(path, 'absent'), code: 'CERTIFICATE_MISSING', message: /absent does not exist/ },
    { cert: join(path, 'c/below'), code: 'CERTIFICATE_MISSING', message: /does not exist/ },
    { cert: join(path, 'dir'), code: 'CERTIFICATE_UNREADABLE', message: /is a directory/ },
    { cert: '/dev/null', code: 'CERTIFICATE_UNREADABLE', message: /not a regular file/ },
    { cert: write('empty', ''), code: 'CERTIFICATE_NOT_PEM', message: /is empty/ },
    { cert: write('text', 'hello'), code: 'CERTIFICATE_NOT_PEM', message: /begins with "hello"/ },
    { cert: certDer, code: 'CERTIFICATE_NOT_PEM', message: /is DER/, hint: /openssl x509 -inform DER/ },
    { cert: p12, code: 'CERTIFICATE_NOT_PEM', message: /PKCS#12/, hint: /openssl pkcs12/ },
    { cert: write('bad', damaged), code: 'CERTIFICATE_NOT_PEM', message: /line 1 of .* cannot be decoded/ },
    {
      cert: write('only key', keyPem),
      code: 'CERTIFICATE_MISSING',
      message: /no certificate, only PRIVATE KEY/,
    },
    { cert: good, code: 'KEY_MISSING', message: /no private key, only certificates/ },
    { cert: `${path}/a\nb`, code: 'PATH_UNSAFE', message: /line end/ },
    { cert: `${path}/a\0b`, code: 'PATH_UNSAFE', message: /NUL/ },
    { cert: good, key: join(path, 'absent'), code: 'CERTIFICATE_MISSING', message: /does not exist/ },
    { cert: good, key: good, code: 'KEY_MISSING', message: /no private key/ },
    {
      cert: good,
      key: keyDer,
      code: 'CERTIFICATE_NOT_PEM',
      message: /private key/,
      hint: /openssl pkey -inform DER/,
    },
    {
      cert: good,
      key: write('k2', stranger.keyPem),
      code: 'KEY_MISMATCH',
      message: /does not belong.*CN=node1/,
    },
    {
      cert: write('b', certPem + stranger.keyPem),
      code: 'KEY_MISMATCH',
      message: /none of the certificates/,
    },
    { cert: good, key: write('e1', pkcs8), code: 'KEY_ENCRYPTED', message: /line 1 of .* is encrypted/ },
    { cert: good, key: write('e2', traditional), code: 'KEY_ENCRYPTED', message: /is encrypted/ },
    { cert: good, key: write('dk', damagedKey), code: 'CERTIFICATE_NOT_PEM', message: /cannot be decoded/ },
  ];
  for (const { cert, key, code, message, hint } of cases) {
    const failure = failureOf(() =>
      loadIdentity({ cert: option('tcert', cert), key: key === undefined ? undefined : option('tkey', key) }),
    );
    const wanted = {
      code,
      message,
      option: key === undefined ? 'tcert' : 'tkey',
      where: '/etc/mysql/my.cnf:7',
    };
    t.match(failure, hint === undefined ? wanted : { ...wanted, hint }, `${code} ${String(message)}`);
    t.notMatch(failure.message, /[\n\0]/);
  }
  t.end();
});

t.test(
  'a file that this user may not read is told with owner and mode',
  { skip: process.getuid?.() !== 0 },
  (t) => {
    const { path, write } = folder(t);
    const key = write('node.key', keyPem);
    const cert = write('node.crt', certPem, 0o644);
    chmodSync(path, 0o755);
    const load = () => loadIdentity({ cert: option('tcert', cert), key: option('tkey', key) });
    process.seteuid?.(65534);
    try {
      t.match(failureOf(load), {
        code: 'CERTIFICATE_UNREADABLE',
        message: /node.key cannot be read by uid 65534: its owner is uid 0, its mode 0600$/,
        option: 'tkey',
      });
    } finally {
      process.seteuid?.(0);
    }
    t.end();
  },
);
