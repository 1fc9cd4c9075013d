import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadTrust } from '../../src/certificates/trust.js';
import type { ErrorCode } from '../../src/errors.js';
import { ca, failureOf, folder, openssl, option, otherCa } from './given.js';

t.test('a CA file may hold several certificates', (t) => {
  const { write } = folder(t);
  const caFile = write('ca.pem', `one\n${ca.certPem}two\n${otherCa.certPem}`);
  const trust = loadTrust({ caFile: option('tca', caFile) });
  t.same(
    trust.certificates.map((facts) => facts.commonName),
    ['Test CA', 'Other CA'],
  );
  t.match(trust, { caFile, caPath: undefined, findings: [] });
  t.end();
});

t.test('without settings nobody is trusted', (t) => {
  t.same(loadTrust({}).certificates, []);
  t.end();
});

t.test('in a directory only hashed names count, as for OpenSSL', (t) => {
  const { path, write } = folder(t);
  write('a.pem', ca.certPem);
  openssl(['rehash', path]);
  const caPath = option('tcap', path);
  t.match(loadTrust({ caPath }), { certificates: [{ commonName: 'Test CA' }], caPath: path, findings: [] });

  write('b.pem', otherCa.certPem);
  t.match(loadTrust({ caPath }), {
    certificates: [{ commonName: 'Test CA' }],
    findings: [
      { severity: 'warning', code: 'CERTIFICATE_MISSING', message: /does not see b.pem/, option: 'tcap' },
    ],
  });
  openssl(['rehash', path]);
  t.same(loadTrust({ caPath }).findings, []);
  t.equal(loadTrust({ caPath }).certificates.length, 2);
  t.end();
});

t.test('each failure names the option', (t) => {
  const { path, write } = folder(t);
  for (const name of ['empty', 'unhashed']) mkdirSync(join(path, name));
  write('unhashed/ca.pem', ca.certPem);
  const file = write('ca.pem', ca.certPem);
  const cases: { tca?: string; tcap?: string; code: ErrorCode; message: RegExp; hint?: RegExp }[] = [
    { tca: join(path, 'absent'), code: 'CERTIFICATE_MISSING', message: /does not exist/ },
    { tca: path, code: 'CERTIFICATE_UNREADABLE', message: /is a directory/, hint: /tcap/ },
    { tca: write('key', ca.keyPem), code: 'CERTIFICATE_MISSING', message: /no certificate/ },
    { tca: write('none', ''), code: 'CERTIFICATE_NOT_PEM', message: /is empty/ },
    { tca: 'a\nb', code: 'PATH_UNSAFE', message: /line end/ },
    { tcap: join(path, 'absent'), code: 'CERTIFICATE_MISSING', message: /does not exist/ },
    { tcap: file, code: 'CERTIFICATE_UNREADABLE', message: /is a file/, hint: /tca/ },
    {
      tcap: join(path, 'empty'),
      code: 'CERTIFICATE_MISSING',
      message: /holds no file/,
      hint: /openssl rehash/,
    },
    {
      tcap: join(path, 'unhashed'),
      code: 'CERTIFICATE_MISSING',
      message: /1 certificate files, but none/,
      hint: /rehash/,
    },
    { tcap: 'a\0b', code: 'PATH_UNSAFE', message: /NUL/ },
  ];
  for (const { tca, tcap, code, message, hint } of cases) {
    const failure = failureOf(() =>
      loadTrust({
        caFile: tca === undefined ? undefined : option('tca', tca),
        caPath: tcap === undefined ? undefined : option('tcap', tcap),
      }),
    );
    const wanted = {
      code,
      message,
      option: tca === undefined ? 'tcap' : 'tca',
      where: '/etc/mysql/my.cnf:7',
    };
    t.match(failure, hint === undefined ? wanted : { ...wanted, hint }, `${code} ${String(message)}`);
  }
  t.end();
});
