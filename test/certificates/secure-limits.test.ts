import { createSecureContext } from 'node:tls';
import t from 'tap';
import { secureLimits } from '../../src/certificates/secure-limits.js';
import { option } from './given.js';

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
