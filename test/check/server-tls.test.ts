import { join } from 'node:path';
import t from 'tap';
import { loadServer } from '../../src/agent/servers.js';
import { checkServerTls } from '../../src/check/server-tls.js';
import { refusedCertificates } from '../certificates/refused.js';
import { serverIn, type Given } from './given.js';

async function sectionsOf(t: Parameters<typeof serverIn>[0], given: Given): Promise<readonly string[]> {
  const server = await serverIn(t, given);
  const { settings } = await loadServer(server);
  return (await checkServerTls(server, settings!, new Date())).map(({ name, facts, findings }) =>
    [`${name}: ${facts.join(', ')}`, ...findings.map(({ severity, code }) => `${severity} ${code}`)].join(
      ' | ',
    ),
  );
}

const tls = 'ssl_ca=DIR/ca\nssl_cert=DIR/crt\nssl_key=DIR/key';
const long = { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') };
const noServer = "server's TLS: no ssl_cert in [mysqld]";
const noClient = "clients' TLS: no ssl_… in [client]";
const fine = 'shows CN=127.0.0.1, trusts CN=Test CA';

const cases: readonly { name: string; given: Given; says: readonly string[] }[] = [
  { name: 'none at all', given: {}, says: [noServer, noClient] },
  {
    name: 'both in order',
    given: { mysqld: tls, client: tls },
    says: [`server's TLS: ${fine}`, `clients' TLS: ${fine}`],
  },
  {
    name: 'names that are relative to the data directory',
    given: { mysqld: 'ssl_ca=../ca\nssl_cert=../crt\nssl_key=../key' },
    says: [`server's TLS: ${fine}`, noClient],
  },
  {
    name: 'clients that only verify',
    given: { client: 'ssl-ca=DIR/ca' },
    says: [noServer, `${noClient}, trusts CN=Test CA`],
  },
  {
    name: 'an expired certificate on both sides',
    given: { certificate: long, mysqld: tls, client: tls },
    says: [
      `server's TLS: ${fine} | error CERTIFICATE_EXPIRED`,
      `clients' TLS: ${fine} | error CERTIFICATE_EXPIRED`,
    ],
  },
  {
    name: 'a certificate for another name: replicas that verify need to know',
    given: { certificate: { commonName: 'db1' }, mysqld: tls },
    says: ["server's TLS: shows CN=db1, trusts CN=Test CA | warning CERTIFICATE_NAME_MISMATCH", noClient],
  },
  {
    name: 'a certificate that is for clients alone',
    given: { certificate: { extendedKeyUsages: ['clientAuth'] }, mysqld: tls, client: tls },
    says: [`server's TLS: ${fine} | error CERTIFICATE_USAGE`, `clients' TLS: ${fine}`],
  },
  {
    name: 'a CA that did not issue it',
    given: { mysqld: 'ssl_ca=DIR/crt\nssl_cert=DIR/crt\nssl_key=DIR/key' },
    says: ["server's TLS: shows CN=127.0.0.1, trusts CN=127.0.0.1 | error CERTIFICATE_UNTRUSTED", noClient],
  },
  {
    name: 'a list of revoked certificates that is none',
    given: { mysqld: `${tls}\nssl_crl=DIR/ca` },
    says: [`server's TLS: ${fine} | error CRL_UNUSABLE`, noClient],
  },
  {
    name: 'files that are not there',
    given: { mysqld: 'ssl_ca=/none\nssl_cert=/none', client: 'ssl_capath=/none' },
    says: [
      "server's TLS:  | error CERTIFICATE_MISSING | error CERTIFICATE_MISSING",
      `${noClient} | error CERTIFICATE_MISSING`,
    ],
  },
  {
    name: 'versions and ciphers',
    given: { mysqld: 'tls_version=TLSv1.0,TLSv1.2\nssl_cipher=aNULL', client: 'ssl_cipher=nothing' },
    says: [
      `${noServer} | warning OPTION_INVALID | warning CLEAR_TEXT_REFUSED`,
      `${noClient} | error OPTION_INVALID`,
    ],
  },
];

for (const { name, given, says } of cases) {
  t.test(name, async (t) => t.strictSame(await sectionsOf(t, given), says));
}

t.test('what OpenSSL alone refuses is told of the server, and of clients', async (t) => {
  for (const refused of refusedCertificates(join(t.testdir(), 'certificates'))) {
    const given = { identity: refused, trusts: refused.caPem, mysqld: tls, client: tls };
    const told = (await sectionsOf(t, given)).map((line) => line.split(' | ').slice(1));
    t.strictSame(told, [[`error ${refused.code}`], [`error ${refused.code}`]], refused.name);
  }
});

t.test(
  'a level of security in ssl_cipher counts for the files, as the server and its clients load them',
  async (t) => {
    const weak = refusedCertificates(join(t.testdir(), 'certificates')).find(({ name }) =>
      name.includes('1024'),
    );
    t.ok(weak);
    if (weak === undefined) return;
    const alone = 'ssl_cert=DIR/crt\nssl_key=DIR/key';
    for (const files of [tls, alone]) {
      for (const [list, codes] of [
        ['HIGH:@SECLEVEL=1', []],
        ['HIGH', ['error CERTIFICATE_UNTRUSTED']],
      ] as const) {
        const lines = `${files}\nssl_cipher=${list}`;
        const given = { identity: weak, trusts: weak.caPem, mysqld: lines, client: lines };
        const told = (await sectionsOf(t, given)).map((line) =>
          line.split(' | ').filter((part) => part.startsWith('error')),
        );
        t.strictSame(told, [codes, codes], lines);
      }
    }
  },
);
