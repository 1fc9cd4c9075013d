import t from 'tap';
import { resolveTls } from '../../src/config/tls.js';
import { tunnelLimits } from '../../src/config/tunnel-limits.js';
import { settingsOf, type Options } from './given.js';

const cases: readonly [sst: Options, versions: string | undefined, ciphers: string | undefined][] = [
  [{}, undefined, undefined],
  [{ sockopt: 'nodelay' }, undefined, undefined],
  [{ 'tls-version': 'TLSv1.2' }, 'TLSv1.2 TLSv1.2', undefined],
  [{ sockopt: 'openssl-min-proto-version=TLS1.3' }, 'TLSv1.3 TLSv1.3', undefined],
  [{ sockopt: ',max-version="TLS1.2"' }, 'TLSv1.2 TLSv1.2', undefined],
  [{ sockopt: 'method=TLS1.2' }, 'TLSv1.2 TLSv1.2', undefined],
  [{ 'tls-version': 'TLSv1.2,TLSv1.3', sockopt: 'min-proto-version=TLS1.3' }, 'TLSv1.3 TLSv1.3', undefined],
  [{ sockopt: 'cipher=ECDHE-RSA-AES128-GCM-SHA256' }, undefined, 'ECDHE-RSA-AES128-GCM-SHA256'],
  [
    { 'ssl-cipher': 'TLS_AES_128_GCM_SHA256:HIGH', sockopt: 'ciphers=AES128-GCM-SHA256' },
    undefined,
    'TLS_AES_128_GCM_SHA256:AES128-GCM-SHA256',
  ],
  [{ 'ssl-cipher': 'HIGH', sockopt: 'nodelay' }, undefined, 'HIGH'],
];

for (const [sst, versions, ciphers] of cases) {
  t.test(`the tunnel's limits with ${JSON.stringify(sst)}`, (t) => {
    const settings = settingsOf({ sst: { tca: '/ca', tcert: '/crt', ...sst } });
    const limits = tunnelLimits(resolveTls(settings, 'donor'));
    const { value } = limits.versions ?? {};
    t.equal(value === undefined ? undefined : `${value.min} ${value.max}`, versions);
    t.equal(limits.ciphers?.value, ciphers);
    t.end();
  });
}
