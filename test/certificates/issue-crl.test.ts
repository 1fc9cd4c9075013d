import t from 'tap';
import { issueCrl } from '../../src/certificates/issue-crl.js';
import { ca, folder, openssl } from './given.js';

const textOf = async (t: Parameters<typeof folder>[0], more: object): Promise<string> => {
  const dates = {
    thisUpdate: new Date('2026-01-02T03:04:05Z'),
    nextUpdate: new Date('2027-01-01T00:00:00Z'),
  };
  const list = { ca, revoked: new Map<string, Date>(), number: 7n, ...dates, ...more };
  const [file, caFile] = [folder(t).write('crl', await issueCrl(list)), folder(t).write('ca', ca.certPem)];
  return openssl(['crl', '-noout', '-text', '-nameopt', 'RFC2253', '-in', file, '-CAfile', caFile]);
};

t.test('openssl reads what was asked for', async (t) => {
  const revoked = new Map([
    ['00A1', new Date('2025-12-31T23:59:59Z')],
    ['FF', new Date('2026-01-01T00:00:00Z')],
  ]);
  const text = await textOf(t, { revoked, number: 0x80n });
  for (const part of [
    /Version 2/,
    /Signature Algorithm: ecdsa-with-SHA256/,
    /Issuer: CN ?= ?Test CA/,
    /Last Update: Jan +2 03:04:05 2026 GMT/,
    /Next Update: Jan +1 00:00:00 2027 GMT/,
    /Serial Number: A1\n +Revocation Date: Dec 31 23:59:59 2025 GMT/,
    /Serial Number: FF\n/,
    /X509v3 CRL Number: \n +128\n/,
    /X509v3 Authority Key Identifier: \n +([0-9A-F]{2}:){19}/,
  ])
    t.match(text, part);
});

t.test('a list of nothing, and one that counts for long', async (t) => {
  const text = await textOf(t, { nextUpdate: new Date('2050-06-01T00:00:00Z') });
  t.match(text, /No Revoked Certificates/);
  t.match(text, /Next Update: Jun +1 00:00:00 2050 GMT/);
});
