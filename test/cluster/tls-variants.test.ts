import t from 'tap';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Authority, selfSignedPairs, store } from './credentials.js';
import { meet, state } from './scripts.js';
import { complaints } from './tunnel.js';

/** What both sides are given; only the certificate differs. */
interface Variant {
  name: string;
  /** Texts of the option files. */
  files: (folder: string) => Promise<{ joiner: string; donor: string }>;
  host?: string;
  warnings?: readonly RegExp[];
  /** Must be in the donor's log. */
  log?: RegExp;
}

const address = { commonName: 'any.name', ipAddresses: ['127.0.0.1'] };

const sst = (lines: Record<string, string>): string =>
  `[sst]\n${Object.entries(lines)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')}`;

/** Both sides with the same settings. */
const both = (text: string): { joiner: string; donor: string } => ({ joiner: text, donor: text });

async function plain(
  folder: string,
  more: Record<string, string> = {},
  request: Parameters<Authority['certify']>[1] = address,
): Promise<string> {
  const { ca, cert, key } = await (await Authority.create(folder)).certify('node', request);
  return sst({ tca: ca, tcert: cert, tkey: key, ...more });
}

/** A bundle from an intermediate CA, in the order of the parts' names. */
async function bundle(folder: string, order: readonly ('key' | 'leaf' | 'intermediate')[]): Promise<string> {
  const root = await Authority.create(folder);
  const intermediate = await root.intermediate('middle');
  const { certPem, keyPem } = await intermediate.issue(address);
  const parts = { key: keyPem, leaf: certPem, intermediate: intermediate.ca.certPem };
  const file = store(folder, 'bundle.pem', order.map((part) => parts[part]).join('\n'));
  return sst({ tca: root.caFile, tcert: file });
}

const variants: readonly Variant[] = [
  {
    name: 'RSA keys',
    files: async (f) => both(await plain(f, {}, { ...address, keyType: 'rsa', rsaBits: 2048 })),
  },
  { name: 'Ed25519 keys', files: async (f) => both(await plain(f, {}, { ...address, keyType: 'ed25519' })) },
  {
    name: 'a bundle with the key first',
    files: async (f) => both(await bundle(f, ['key', 'leaf', 'intermediate'])),
  },
  {
    name: 'a bundle with the intermediate CA before the leaf',
    files: async (f) => both(await bundle(f, ['intermediate', 'leaf', 'key'])),
  },
  {
    name: 'a directory of CAs',
    files: async (folder) => {
      const { cert, key } = await (await Authority.create(folder)).certify('node', address);
      execFileSync('openssl', ['rehash', folder]);
      return both(sst({ tcap: folder, tcert: cert, tkey: key }));
    },
  },
  {
    name: 'ssl-mode=VERIFY_CA with an address that the certificate does not name',
    files: async (f) => both(await plain(f, { 'ssl-mode': 'VERIFY_CA' }, { commonName: 'other.name' })),
  },
  {
    name: 'ssl-mode=REQUIRED with certificates of different CAs',
    files: async (folder) => ({
      joiner: await plain(join(folder, 'one'), { 'ssl-mode': 'REQUIRED' }),
      donor: await plain(join(folder, 'other'), { 'ssl-mode': 'REQUIRED' }),
    }),
    warnings: [/peers are not verified \(ssl-mode=REQUIRED\)/],
  },
  {
    name: 'ssl-ca, ssl-cert and ssl-key of [mysqld]',
    files: async (folder) => {
      const { ca, cert, key } = await (await Authority.create(folder)).certify('node', address);
      return both(`[mysqld]\nssl-ca=${ca}\nssl_cert=${cert}\nloose-ssl-key=${key}\n`);
    },
  },
  {
    name: 'a certificate for each role',
    files: async (folder) => {
      const authority = await Authority.create(folder);
      const server = await authority.certify('server', { ...address, extendedKeyUsages: ['serverAuth'] });
      const client = await authority.certify('client', {
        commonName: 'client',
        extendedKeyUsages: ['clientAuth'],
      });
      return both(
        sst({
          'ssl-server-ca': server.ca,
          'ssl-server-cert': server.cert,
          'ssl-server-key': server.key,
          'ssl-client-ca': client.ca,
          'ssl-client-cert': client.cert,
          'ssl-client-key': client.key,
        }),
      );
    },
  },
  {
    name: 'sockopt with a cipher, a TLS version and the family',
    host: '[::1]',
    files: async (f) =>
      both(
        await plain(
          f,
          { sockopt: ',cipher=ECDHE-ECDSA-AES256-GCM-SHA384,openssl-max-proto-version=TLS1.2,pf=ip6' },
          { commonName: 'any.name', ipAddresses: ['::1'] },
        ),
      ),
    log: /TLSv1\.2/,
  },
  {
    name: 'tls-version in [sst]',
    files: async (f) => both(await plain(f, { 'tls-version': 'TLSv1.3' })),
    log: /openssl-min-proto-version=TLS1\.3,openssl-max-proto-version=TLS1\.3/,
  },
  {
    name: "the server's tls_version and ssl_cipher",
    files: async (f) =>
      both(
        `${await plain(f)}[mysqld]\ntls_version=TLSv1.1,TLSv1.2\nssl_cipher=ECDHE-ECDSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256\n`,
      ),
    log: /shows .*TLSv1\.2 ECDHE-ECDSA-AES128-GCM-SHA256[^]*cipher=ECDHE-ECDSA-AES128-GCM-SHA256/,
  },
  {
    name: 'self-signed certificates and a file with all of them',
    files: async (folder) => {
      const [joiner, donor] = await selfSignedPairs(folder, ['127.0.0.1', 'donor']);
      const text = (pair: typeof joiner): string =>
        sst({ tca: pair?.ca ?? '', tcert: pair?.cert ?? '', tkey: pair?.key ?? '' });
      return { joiner: text(joiner), donor: text(donor) };
    },
  },
  {
    name: 'files whose names are full of syntax',
    files: async (folder) => both(await plain(join(folder, "a,b:c!d 'e' (f) [g] {h} $i"))),
  },
];

for (const { name, files, host, warnings = [], log } of variants) {
  t.test(name, async (t) => {
    const folder = t.testdir({ c: {} });
    const { joiner, donor } = await meet({
      folder,
      ...(await files(join(folder, 'c'))),
      ...(host === undefined ? {} : { host }),
    });
    for (const side of [joiner, donor]) {
      t.equal(side.code, 0);
      t.same(complaints(side.log, warnings), []);
      for (const warning of warnings) t.match(side.log, warning);
    }
    t.equal(joiner.lines.at(-1), state);
    const steps = donor.lines.filter((line) => !/^(total|complete) \d+$/.test(line));
    t.same(steps, ['flush tables', 'continue', `done ${state}`]);
    t.same(execFileSync('diff', ['-r', join(folder, 'donor'), join(folder, 'joiner')]).toString(), '');
    if (log !== undefined) t.match(donor.log, log);
  });
}
