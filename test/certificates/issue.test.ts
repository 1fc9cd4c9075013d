import { createPublicKey, X509Certificate } from 'node:crypto';
import t from 'tap';
import { issueCa, issueCertificate, selfSigned } from '../../src/certificates/issue.js';
import { folder, openssl } from './given.js';

const keyTypes = ['rsa', 'ec', 'ed25519'] as const;

for (const caType of keyTypes) {
  t.test(`openssl's strict verification accepts what a CA with an ${caType} key issues`, async (t) => {
    const { write } = folder(t);
    const ca = await issueCa({ name: 'Test CA', keyType: caType, rsaBits: 2048 });
    const sub = await issueCertificate({ ca, commonName: 'Sub CA', isCa: true, keyType: 'ec' });
    const files = ['-CAfile', write('ca.pem', ca.certPem), '-untrusted', write('sub.pem', sub.certPem)];
    for (const keyType of keyTypes) {
      // RSA keys take long to make: once is enough
      for (const issuer of keyType === 'rsa' ? [sub] : [ca, sub]) {
        const request = {
          commonName: 'node1.my.cluster',
          ipAddresses: ['10.0.0.1', 'fd00::1'],
          keyType,
          rsaBits: 2048,
        };
        const { certPem, keyPem } = await issueCertificate({ ca: issuer, ...request });
        const cert = write('cert.pem', certPem);
        for (const purpose of ['sslserver', 'sslclient']) {
          t.match(openssl(['verify', '-x509_strict', '-purpose', purpose, ...files, cert]), /: OK/);
        }
        t.ok(new X509Certificate(certPem).publicKey.equals(createPublicKey(keyPem)));
      }
    }
  });
}

t.test('what a certificate says is what was asked for', async (t) => {
  const { write } = folder(t);
  const dates = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2060-01-01T00:00:00Z') };
  const issued = await selfSigned({
    commonName: 'node1',
    dnsNames: ['b'],
    keyType: 'rsa',
    rsaBits: 2048,
    extendedKeyUsages: ['clientAuth'],
    ...dates,
  });
  const text = openssl(['x509', '-noout', '-text', '-in', write('c', issued.certPem)]);
  for (const part of [
    /Not Before: Jan +1 00:00:00 2020/,
    /Not After : Jan +1 00:00:00 2060/,
    /CA:FALSE/,
    /Digital Signature, Key Encipherment\n/,
    /Extended Key Usage: \n +TLS Web Client Authentication\n/,
    /DNS:b, DNS:node1\n/,
  ])
    t.match(text, part);
  const serials = await Promise.all(
    [1, 2].map(
      async () =>
        new X509Certificate((await selfSigned({ commonName: 'x', keyType: 'ec' })).certPem).serialNumber,
    ),
  );
  t.not(serials[0], serials[1]);
  t.match(serials[0], /^[4-7][0-9A-F]{31}$/, 'positive');
});

t.test('the common name is repeated as subjectAltName when it is a host name or address', async (t) => {
  const cases = [
    ['node1', 'DNS:node1'],
    ['*.my.cluster', 'DNS:*.my.cluster'],
    ['10.0.0.1', 'IP Address:10.0.0.1'],
    ['My Node', undefined],
  ] as const;
  for (const [commonName, names] of cases) {
    t.equal(
      new X509Certificate((await selfSigned({ commonName, keyType: 'ec' })).certPem).subjectAltName,
      names,
    );
  }
});

t.test('a CA key of another kind is refused', async (t) => {
  const ca = await issueCa({ name: 'CA', keyType: 'ec' });
  const { write } = folder(t);
  const keyPem = openssl(['genpkey', '-algorithm', 'ed448']);
  write('k', keyPem);
  await t.rejects(issueCertificate({ ca: { ...ca, keyPem }, commonName: 'x', keyType: 'ec' }), /type ed448/);
});
