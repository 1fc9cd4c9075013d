import { execFileSync } from 'node:child_process';
import { mkdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  certificatesOf,
  decodeBlock,
  readCertificateFile,
  readGivenFile,
} from '../../src/certificates/certificate-file.js';
import { ca, failureOf, folder, node, openssl, option, otherCa } from './given.js';

t.test('a file of PEM blocks, with what is in it and who may read it', async (t) => {
  const { keyPem } = await node({ commonName: 'node1' });
  const setting = option('tca', folder(t).write('all', `${ca.certPem}${keyPem}${otherCa.certPem}`, 0o640));
  const file = readCertificateFile(setting);
  t.equal(file.mode, 0o640);
  t.strictSame(
    file.blocks.map(({ label, line }) => `${label} ${line > 0}`),
    ['CERTIFICATE true', 'PRIVATE KEY true', 'CERTIFICATE true'],
  );
  t.strictSame(
    certificatesOf(file, setting.source).map(({ commonName }) => commonName),
    ['Test CA', 'Other CA'],
    'in their order',
  );
});

t.test('everything else is an error that says what it is, with option and place', async (t) => {
  const { path, write } = folder(t);
  mkdirSync(join(path, 'dir'));
  execFileSync('mkfifo', [join(path, 'fifo')]);
  const huge = write('huge', ca.certPem);
  truncateSync(huge, 17 * 1024 * 1024);
  const pem = { cert: write('c', ca.certPem), key: write('k', ca.keyPem) };
  const at = (name: string): string => join(path, name);
  openssl(['x509', '-in', pem.cert, '-outform', 'DER', '-out', at('cert.der')]);
  openssl(['pkey', '-in', pem.key, '-outform', 'DER', '-out', at('key.der')]);
  openssl(['pkcs12', '-export', '-in', pem.cert, '-inkey', pem.key, '-passout', 'pass:', '-out', at('p12')]);
  const cases = [
    [at('none'), 'CERTIFICATE_MISSING', /does not exist/, /./],
    [`${pem.cert}/below`, 'CERTIFICATE_MISSING', /does not exist/, /./],
    [at('dir'), 'CERTIFICATE_UNREADABLE', /is a directory/, /tcap/],
    [at('fifo'), 'CERTIFICATE_UNREADABLE', /is not a regular file/, /./],
    [huge, 'CERTIFICATE_NOT_PEM', /has 17825792 bytes, too many/, /./],
    [write('empty', ''), 'CERTIFICATE_NOT_PEM', /is empty/, /./],
    [write('text', 'hello'), 'CERTIFICATE_NOT_PEM', /begins with "hello"/, /./],
    [at('cert.der'), 'CERTIFICATE_NOT_PEM', /is DER \(a certificate\)/, /openssl x509 -inform DER/],
    [at('key.der'), 'CERTIFICATE_NOT_PEM', /is DER \(a private key\)/, /openssl pkey -inform DER/],
    [at('p12'), 'CERTIFICATE_NOT_PEM', /is DER \(a PKCS#12 archive\)/, /openssl pkcs12/],
    ['/etc/a\nb', 'PATH_UNSAFE', /line end or NUL/, /./],
  ] as const;
  for (const [file, code, message, hint] of cases)
    t.match(
      failureOf(() => readCertificateFile(option('tcert', file))),
      { code, message, hint, option: 'tcert', where: '/etc/mysql/my.cnf:7' },
      String(message),
    );
});

t.test('a damaged block is told with its line, and the file of a command by its name', async (t) => {
  const damaged = ca.certPem.replace(/\n[^-]{20}/, '\nAAAAAAAAAAAAAAAAAAAA');
  const path = folder(t).write('f', `text\n${otherCa.certPem}${damaged}`);
  const file = readGivenFile(path);
  const line = 2 + otherCa.certPem.trimEnd().split('\n').length;
  t.match(
    failureOf(() => certificatesOf(file, { kind: 'command line', name: path })),
    {
      code: 'CERTIFICATE_NOT_PEM',
      message: `the certificate at line ${line} of ${path} cannot be decoded`,
      option: path,
    },
  );
  t.equal(
    decodeBlock(path, file.blocks[0]!, ({ label }) => label),
    'CERTIFICATE',
  );
});
