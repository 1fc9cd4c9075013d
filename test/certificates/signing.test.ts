import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import t from 'tap';
import {
  keyIdentifier,
  readDer,
  readParts,
  signatureAlgorithm,
  signDer,
} from '../../src/certificates/signing.js';
import { issueCertificate } from '../../src/certificates/issue.js';
import { ca, folder, openssl } from './given.js';

t.test('what was signed with any kind of key is verified by Node', async (t) => {
  const [tbs] = readDer(forge, Buffer.from(new X509Certificate(ca.certPem).raw)).value as forge.asn1.Asn1[];
  const keys = {
    rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
    ec: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey,
    ed25519: generateKeyPairSync('ed25519').privateKey,
  };
  for (const [kind, key] of Object.entries(keys)) {
    const fields = tbs!.value as forge.asn1.Asn1[];
    fields[2] = signatureAlgorithm(forge, key);
    const pem = signDer(forge, tbs!, key, 'CERTIFICATE');
    t.match(pem, /^-----BEGIN CERTIFICATE-----\n[^\r]*\n$/, 'no carriage returns');
    t.ok(new X509Certificate(pem).verify(createPublicKey(key)), kind);
  }
  const ed448 = generateKeyPairSync('ed448').privateKey;
  t.throws(() => signatureAlgorithm(forge, ed448), /type ed448/);
});

t.test('the identifier of a key is the one that openssl gives it', async (t) => {
  const text = openssl([
    'x509',
    '-noout',
    '-ext',
    'subjectKeyIdentifier',
    '-in',
    folder(t).write('c', ca.certPem),
  ]);
  const spki = createPublicKey(ca.certPem).export({ type: 'spki', format: 'der' });
  const own = Buffer.from(keyIdentifier(readDer(forge, spki)), 'binary')
    .toString('hex')
    .toUpperCase();
  t.match(text, own.replace(/(..)(?=.)/g, '$1:'));
});

t.test("an issuer's name is repeated byte by byte, whatever its types of strings", async (t) => {
  const { path, write } = folder(t);
  const [key, cert] = [`${path}/ca.key`, `${path}/ca.crt`];
  // PrintableString and T61String, where this program itself would write UTF8String.
  const config = write(
    'cnf',
    '[req]\nstring_mask=default\ndistinguished_name=d\nx509_extensions=e\n[d]\n[e]\nbasicConstraints=critical,CA:TRUE\n',
  );
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
    '-config',
    config,
    '-subj',
    '/O=Ours/CN=Root CA',
  ]);
  const certPem = openssl(['x509', '-in', cert]);
  const keyPem = openssl(['pkey', '-in', key]);
  const issued = await issueCertificate({ ca: { certPem, keyPem }, commonName: 'node1', keyType: 'ec' });
  const bytes = (name: forge.asn1.Asn1): string => forge.asn1.toDer(name).toHex();
  t.equal(bytes(readParts(forge, certPem).name).includes('130752'), true, 'a PrintableString');
  t.match(openssl(['verify', '-CAfile', cert, write('node', issued.certPem)]), /: OK/);
  t.throws(() => readParts(forge, '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n'));
});
