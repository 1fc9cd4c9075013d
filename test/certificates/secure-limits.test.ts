import { createSecureContext } from 'node:tls';
import t from 'tap';
import {
  asPrograms,
  checkCipherList,
  secureLimits,
  securityLevel,
} from '../../src/certificates/secure-limits.js';
import { folder, option } from './given.js';

t.test('the handshake has the versions and ciphers of the tunnel', async (t) => {
  const versions = (min: 'TLSv1.2' | 'TLSv1.3', max: 'TLSv1.2' | 'TLSv1.3') => ({
    ...option('tls_version', ''),
    value: { min, max },
  });
  t.strictSame(secureLimits({}), { minVersion: 'TLSv1.2' });
  t.strictSame(secureLimits({ versions: versions('TLSv1.3', 'TLSv1.3') }), {
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
  });
  const older = secureLimits({ ciphers: option('ssl_cipher', 'ECDHE-RSA-AES128-GCM-SHA256') });
  t.match(older.ciphers, /^TLS_AES_256_GCM_SHA384:.*:ECDHE-RSA-AES128-GCM-SHA256$/, 'TLS 1.3 stays on');
  const newer = secureLimits({ ciphers: option('ssl_cipher', 'TLS_AES_128_GCM_SHA256') });
  t.equal(newer.ciphers, 'TLS_AES_128_GCM_SHA256');
  t.ok(createSecureContext(older));
});

t.test(
  'the level of security is that of the list, else of the system, else what distributions build',
  async (t) => {
    const before = process.env['OPENSSL_CONF'];
    t.teardown(() => {
      if (before === undefined) delete process.env['OPENSSL_CONF'];
      else process.env['OPENSSL_CONF'] = before;
    });
    const { write } = folder(t);
    const listed = { ciphers: option('ssl_cipher', 'HIGH:@SECLEVEL=1') };
    const cases = [
      ['[default]\n# CipherString = DEFAULT@SECLEVEL=0\n', '2'],
      ['[system_default_sect]\nCipherString = DEFAULT:@SECLEVEL=0\n', '0'],
      [undefined, '2'],
    ] as const;
    for (const [text, level] of cases) {
      process.env['OPENSSL_CONF'] = text === undefined ? '/none' : write('openssl.cnf', text);
      t.equal(securityLevel({}), level, text ?? 'no file');
      t.equal(securityLevel(listed), '1');
      t.ok(asPrograms({}).ciphers?.endsWith(`:@SECLEVEL=${level}`));
    }
    t.match(asPrograms(listed).ciphers, /^TLS_.*:HIGH:@SECLEVEL=1$/);
    t.ok(createSecureContext(asPrograms(listed)));
  },
);

t.test('a list with suites of TLS 1.3 only has a level of security, too', async (t) => {
  const ciphers = option('ssl_cipher', 'TLS_AES_128_GCM_SHA256');
  const only = (version: 'TLSv1.2' | 'TLSv1.3') => ({
    ...option('tls_version', version),
    value: { min: version, max: version },
  });
  const cases = [
    [undefined, 'TLSv1.3'],
    [only('TLSv1.3'), 'TLSv1.3'],
    [only('TLSv1.2'), 'TLSv1.2'],
  ] as const;
  for (const [versions, oldest] of cases) {
    const options = asPrograms({ ciphers, versions });
    t.ok(createSecureContext(options), versions?.value.min ?? 'any version');
    t.equal(options.minVersion, oldest);
    t.match(options.ciphers, /^TLS_AES_128_GCM_SHA256:.*@SECLEVEL=\d$/);
  }
});

t.test('a list is refused exactly where no handshake could begin with it', async (t) => {
  const cases = [
    ['TLS_AES_128_GCM_SHA256', true],
    ['HIGH:@SECLEVEL=1', true],
    ['TLS_AES_128_GCM_SHA256:@SECLEVEL=1', false],
    ['NONE-SUCH', false],
  ] as const;
  for (const [list, isGood] of cases) {
    const ciphers = option('ssl_cipher', list);
    t.equal(checkCipherList({ ciphers }).length === 0, isGood, list);
    if (isGood) t.ok(createSecureContext(asPrograms({ ciphers })));
    else t.throws(() => createSecureContext(asPrograms({ ciphers })));
  }
});
