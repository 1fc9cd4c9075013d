import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseAlternativeNames, readFacts } from '../../src/certificates/facts.js';
import { issueCa, selfSigned } from '../../src/certificates/issue.js';
import { splitPem } from '../../src/certificates/pem.js';
import { folder, node, openssl } from './given.js';

t.test('facts of a node certificate', async (t) => {
  const { certPem } = await node({ commonName: 'node1.my.cluster', ipAddresses: ['10.0.0.1', 'FD00:0::1'] });
  t.match(readFacts(certPem), {
    subject: 'CN=node1.my.cluster',
    issuer: 'CN=Test CA',
    commonName: 'node1.my.cluster',
    dnsNames: ['node1.my.cluster'],
    ipAddresses: ['10.0.0.1', 'fd00::1'],
    selfIssued: false,
    isCa: false,
    keyType: 'ec prime256v1',
    extendedKeyUsages: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'],
  });
});

t.test('facts of CAs and of every kind of key', async (t) => {
  const kinds = [
    ['rsa', 'rsa 2048'],
    ['ec', 'ec prime256v1'],
    ['ed25519', 'ed25519'],
  ] as const;
  for (const [keyType, described] of kinds) {
    const facts = readFacts((await issueCa({ name: 'CA', keyType, rsaBits: 2048 })).certPem);
    t.match(facts, { selfIssued: true, isCa: true, keyType: described, extendedKeyUsages: undefined });
  }
});

t.test('names with separators in them stay whole', async (t) => {
  const odd = ['a, DNS:b', 'with "quotes"', 'back\\slash', 'a,b'];
  const facts = readFacts((await selfSigned({ keyType: 'ec', dnsNames: odd })).certPem);
  t.same(facts.dnsNames, odd);
  t.equal(facts.commonName, undefined);
  t.equal(facts.subject, '');
});

t.test('a certificate with a time that is none is damaged', async (t) => {
  const [block] = splitPem((await selfSigned({ keyType: 'ec', dnsNames: ['a'] })).certPem);
  const { der } = block!;
  // The month of notBefore becomes the 99th.
  der.write('99', der.indexOf(Buffer.from([0x17, 0x0d])) + 4);
  t.throws(() => readFacts(der), { message: /expected a time, got "Bad time value"/ });
});

t.test("Node's rendering of alternative names is taken apart", (t) => {
  t.same(
    parseAlternativeNames(
      'DNS:a, DNS:"b\\u002c DNS:c", IP Address:10.0.0.1, othername:<unsupported>, URI:http://x/',
    ),
    [
      { kind: 'DNS', value: 'a' },
      { kind: 'DNS', value: 'b, DNS:c' },
      { kind: 'IP Address', value: '10.0.0.1' },
      { kind: 'othername', value: '<unsupported>' },
      { kind: 'URI', value: 'http://x/' },
    ],
  );
  t.same(parseAlternativeNames(''), []);
  t.end();
});

t.test('a subject with line ends and several CNs keeps to one line; the first CN counts', (t) => {
  const { path } = folder(t);
  const [key, cert] = [join(path, 'k'), join(path, 'c')];
  openssl([
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    key,
    '-out',
    cert,
    '-subj',
    '/O=a, b/CN=first/CN=sec\nond',
  ]);
  const facts = readFacts(readFileSync(cert));
  t.equal(facts.subject, 'O=a\\, b, CN=first, CN=sec\\0Aond');
  t.equal(facts.commonName, 'first');
  t.end();
});

t.test('a root of X.509 version 1 is a CA, as OpenSSL sees it', (t) => {
  const { path } = folder(t);
  const [key, csr, cert] = [join(path, 'k'), join(path, 'r'), join(path, 'c')];
  openssl([
    'req',
    '-new',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    key,
    '-out',
    csr,
    '-subj',
    '/CN=old root',
  ]);
  openssl(['x509', '-req', '-in', csr, '-signkey', key, '-out', cert]);
  t.ok(readFacts(readFileSync(cert)).isCa);
  t.end();
});

t.test('a certificate with a key that is none is refused, and crashes nothing (node 24.21)', async (t) => {
  const { certPem } = await selfSigned({ commonName: 'node1', keyType: 'ec' });
  const { raw } = new X509Certificate(certPem);
  // The uncompressed point of the key: behind the curve's identifier, a bit string that begins with 04.
  const point = raw.indexOf(Buffer.from('034200', 'hex')) + 3;
  raw[point + 1]! ^= 0xff;
  t.throws(() => readFacts(raw));
});
