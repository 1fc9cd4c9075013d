import t from 'tap';
import { resolveTlsLimits, splitCiphers } from '../../src/config/tls-limits.js';
import { settingsOf, type Given } from './given.js';

const versionsOf = (given: Given) => resolveTlsLimits(settingsOf(given)).versions?.value;

t.test(
  'tls_version of [sst] or of the server bounds the versions; older ones than 1.2 are left out',
  async (t) => {
    const cases: readonly [Given, { min: string; max: string } | undefined][] = [
      [{}, undefined],
      [{ mysqld: { tls_version: '' } }, undefined],
      [{ mysqld: { tls_version: 'TLSv1.1,TLSv1.2,TLSv1.3' } }, { min: 'TLSv1.2', max: 'TLSv1.3' }],
      [{ mysqld: { 'tls-version': 'tlsv1.2' } }, { min: 'TLSv1.2', max: 'TLSv1.2' }],
      [
        { sst: { 'tls-version': 'TLSv1.3' }, mysqld: { tls_version: 'TLSv1.2' } },
        { min: 'TLSv1.3', max: 'TLSv1.3' },
      ],
    ];
    for (const [given, expected] of cases) t.strictSame(versionsOf(given), expected, JSON.stringify(given));
    for (const value of ['TLSv1.1', 'TLSv1.2,SSLv3', '1.2'])
      t.throws(() => versionsOf({ mysqld: { tls_version: value } }), { code: 'OPTION_INVALID' }, value);
  },
);

t.test('ssl_cipher is taken as it is, unless it could be anything else', async (t) => {
  const ciphersOf = (given: Given) => resolveTlsLimits(settingsOf(given)).ciphers?.value;
  t.equal(ciphersOf({ mysqld: { ssl_cipher: 'HIGH:!aNULL' } }), 'HIGH:!aNULL');
  for (const value of ['A,verify=0', 'A B', 'A\nB'])
    t.throws(() => ciphersOf({ sst: { 'ssl-cipher': value } }), { code: 'OPTION_INVALID' }, value);
  for (const given of [
    { mysqld: { ssl_cipher: 'HIGH:eNULL' } },
    { sst: { 'ssl-cipher': 'TLS_SHA256_SHA256' } },
    { server: ['--ssl-cipher=DEFAULT@SECLEVEL=0'] },
  ])
    t.throws(() => ciphersOf(given), { code: 'CLEAR_TEXT_REFUSED' }, JSON.stringify(given));
  t.strictSame(splitCiphers('ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256:HIGH'), {
    older: 'ECDHE-RSA-AES128-GCM-SHA256:HIGH',
    tls13: 'TLS_AES_128_GCM_SHA256',
  });
});

t.test('revocation lists come from one place', async (t) => {
  const limits = (given: Given) => {
    const { crlFile, crlPath } = resolveTlsLimits(settingsOf(given));
    return [crlFile?.value, crlPath?.value];
  };
  t.strictSame(limits({}), [undefined, undefined]);
  t.strictSame(limits({ mysqld: { ssl_crl: '/a', ssl_crlpath: '/b' } }), ['/a', '/b']);
  t.strictSame(limits({ sst: { 'ssl-crl': '/c' }, mysqld: { ssl_crlpath: '/b' } }), ['/c', undefined]);
  t.strictSame(limits({ sst: { 'ssl-crl': '' }, server: ['--ssl-crl=/d'] }), ['/d', undefined]);
});
