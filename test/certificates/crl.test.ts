import { createPublicKey, randomBytes, X509Certificate } from 'node:crypto';
import t from 'tap';
import { readCrl, serialKey } from '../../src/certificates/crl.js';
import { issueCa, issueCertificate } from '../../src/certificates/issue.js';
import { issueCrl } from '../../src/certificates/issue-crl.js';
import { splitPem } from '../../src/certificates/pem.js';
import { folder, openssl, otherCa } from './given.js';

const dates = { thisUpdate: new Date('2026-01-02T03:04:05Z'), nextUpdate: new Date('2055-01-01T00:00:00Z') };

const derOf = (pem: string): Buffer =>
  Buffer.from((splitPem(pem)[0]?.text ?? '').replace(/-----.*-----|\n/g, ''), 'base64');

for (const keyType of ['rsa', 'ec', 'ed25519'] as const) {
  t.test(`openssl refuses what a list of a CA with an ${keyType} key revokes, and only that`, async (t) => {
    const { write } = folder(t);
    const ca = await issueCa({ name: 'CA', keyType, rsaBits: 2048 });
    const [bad, good] = await Promise.all(
      ['bad', 'good'].map((commonName) => issueCertificate({ ca, commonName, keyType: 'ec' })),
    );
    const serial = new X509Certificate(bad!.certPem).serialNumber;
    const pem = await issueCrl({
      ca,
      revoked: new Map([[serial, dates.thisUpdate]]),
      number: 300n,
      ...dates,
    });
    const files = [
      '-CAfile',
      write('ca.pem', ca.certPem),
      '-CRLfile',
      write('crl.pem', pem),
      '-crl_check_all',
    ];
    t.match(openssl(['verify', '-x509_strict', ...files, write('good.pem', good!.certPem)]), /: OK/);
    t.throws(() => openssl(['verify', ...files, write('bad.pem', bad!.certPem)]), /certificate revoked/);

    const crl = readCrl(derOf(pem));
    t.strictSame([...crl.revoked], [[serialKey(serial), dates.thisUpdate]]);
    t.equal(crl.number, 300n);
    t.strictSame({ thisUpdate: crl.thisUpdate, nextUpdate: crl.nextUpdate }, dates);
    t.equal(crl.isSignedBy(createPublicKey(ca.certPem)), true);
    t.equal(crl.isSignedBy(createPublicKey(otherCa.certPem)), false);
    t.equal(crl.pem, pem);
  });
}

t.test('a list that openssl made is read', async (t) => {
  const { write, path } = folder(t);
  const ca = await issueCa({ name: 'CA', keyType: 'ec' });
  write('index.txt', 'R\t491231235959Z\t260101000000Z,keyCompromise\t00A1\tunknown\t/CN=x\n');
  const config = `[ca]\ndefault_ca=d\n[d]\ndatabase=${path}/index.txt\ndefault_md=sha384\n`;
  const files = ['-keyfile', write('k', ca.keyPem), '-cert', write('c', ca.certPem)];
  const pem = openssl(['ca', '-gencrl', '-crldays', '1', '-config', write('o.cnf', config), ...files]);
  const crl = readCrl(derOf(pem));
  t.strictSame([...crl.revoked], [['A1', new Date('2026-01-01T00:00:00Z')]]);
  t.equal(crl.isSignedBy(createPublicKey(ca.certPem)), true);
  t.equal(crl.number, undefined);
});

t.test('an empty list revokes nothing, and damage is an error', async (t) => {
  const ca = await issueCa({ name: 'CA', keyType: 'ec' });
  const der = derOf(await issueCrl({ ca, revoked: new Map(), number: 1n, ...dates }));
  t.equal(readCrl(der).revoked.size, 0);
  for (const cut of [0, 1, 10, der.length - 1]) t.throws(() => readCrl(der.subarray(0, cut)), RangeError);
  t.throws(() => readCrl(randomBytes(0)), RangeError);
  t.throws(() => readCrl(Buffer.from('3080', 'hex')), RangeError);
});
