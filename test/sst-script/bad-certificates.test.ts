import { X509Certificate } from 'node:crypto';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { issueCrl } from '../../src/certificates/issue-crl.js';
import { issueCa } from '../../src/certificates/issue.js';
import { runSync } from '../lab/commands.js';
import type { BareNode } from './bare-node.js';
import { refusals, type BadInput } from './failing.js';
import { Material, type CertificateFiles } from './material.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(240_000);
const { good } = material;
const hour = 3_600_000;
const from = (ms: number): Date => new Date(Date.now() + ms);

const other = await material.issue('other', {});
const expired = await material.issue('expired', { notBefore: from(-72 * hour), notAfter: from(-25 * hour) });
const early = await material.issue('early', { notBefore: from(3.5 * hour) });
const elsewhere = await material.issue('elsewhere', {
  commonName: 'node9.my.cluster',
  ipAddresses: ['127.0.0.9'],
});
const serverOnly = await material.issue('server-only', { extendedKeyUsages: ['serverAuth'] });
const clientOnly = await material.issue('client-only', { extendedKeyUsages: ['clientAuth'] });
const foreign = await material.issue('foreign', {}, await issueCa({ name: 'another CA', keyType: 'ec' }));
const namesake = await material.issue('namesake', {}, await issueCa({ name: 'test CA', keyType: 'ec' }));
const list = await issueCrl({
  ...{ ca: material.authority, revoked: new Map(), number: 1n },
  ...{ thisUpdate: from(-hour), nextUpdate: from(24 * hour) },
});
const below = issueBelowIntermediate();
const bundle = material.write(
  'bundle.pem',
  readFileSync(below.key, 'utf8') + readFileSync(below.cert, 'utf8'),
);
const joined = material.write(
  'joined.pem',
  readFileSync(good.cert, 'utf8').trimEnd() + readFileSync(good.key, 'utf8'),
);
const directory = join(material.dir, 'a-directory');
runSync(['install', '-d', directory]);
const der = material.write('der.crt', new X509Certificate(readFileSync(good.cert)).raw);
const derKey = join(material.dir, 'der.key');
runSync(['openssl', 'pkey', '-in', good.key, '-outform', 'DER', '-out', derKey]);
const encrypted = join(material.dir, 'encrypted.key');
runSync(['openssl', 'pkey', '-in', good.key, '-aes128', '-passout', 'pass:sesame', '-out', encrypted]);
const oldEncrypted = join(material.dir, 'old-encrypted.key');
runSync(['openssl', 'ec', '-in', good.key, '-aes128', '-passout', 'pass:sesame', '-out', oldEncrypted]);
for (const file of [derKey, encrypted, oldEncrypted]) runSync(['chown', 'mysql', file]);
const rootOnly = material.write('root-only.key', readFileSync(good.key));
runSync(['chown', 'root:root', rootOnly]);

/** Configures a node with these files instead of the good ones. */
const using =
  (files: Partial<CertificateFiles>, more: Readonly<Record<string, string>> = {}) =>
  (node: BareNode): undefined =>
    node.configure(material.groups(files, more));

const files: BadInput[] = [
  {
    title: 'no tcert',
    prepare: (node) => node.configure({ mysqld: {}, sst: { tca: material.ca } }),
    code: 'OPTION_MISSING',
    says: ['tcert is not set'],
    hint: /set tcert .* in the \[sst\] section/,
  },
  {
    title: 'an empty tcert',
    prepare: using({ cert: '' }),
    code: 'OPTION_MISSING',
    says: ['tcert is not set'],
  },
  {
    title: 'no tca',
    prepare: (node) => node.configure({ sst: { tcert: good.cert, tkey: good.key } }),
    code: 'OPTION_MISSING',
    says: ['tca is not set'],
  },
  {
    title: 'a tcert that does not exist',
    prepare: using({ cert: '/nowhere/node.crt' }),
    code: 'CERTIFICATE_MISSING',
    says: ['/nowhere/node.crt does not exist'],
    option: 'tcert',
  },
  {
    title: 'a tkey that does not exist',
    prepare: using({ key: '/nowhere/node.key' }),
    code: 'CERTIFICATE_MISSING',
    says: ['/nowhere/node.key does not exist'],
    option: 'tkey',
  },
  {
    title: 'a tca that does not exist',
    prepare: using({}, { tca: '/nowhere/ca.crt' }),
    code: 'CERTIFICATE_MISSING',
    says: ['/nowhere/ca.crt does not exist'],
    option: 'tca',
  },
  {
    title: "a key that the server's user may not read",
    prepare: using({ key: rootOnly }),
    code: 'CERTIFICATE_UNREADABLE',
    says: [`${rootOnly} cannot be read by uid`, 'its owner is uid 0, its mode 0600'],
    option: 'tkey',
    hint: /readable for the user that the server runs as/,
  },
  {
    title: 'a tcert that is a directory',
    prepare: using({ cert: directory }),
    code: 'CERTIFICATE_UNREADABLE',
    says: [`${directory} is a directory`],
    option: 'tcert',
  },
  {
    title: 'a tca that is a directory',
    prepare: using({}, { tca: directory }),
    code: 'CERTIFICATE_UNREADABLE',
    says: [`${directory} is a directory`],
    option: 'tca',
    hint: /tcap/,
  },
  {
    title: 'an empty tcert file',
    prepare: using({ cert: material.write('empty.crt', '') }),
    code: 'CERTIFICATE_NOT_PEM',
    says: ['empty.crt is empty'],
    option: 'tcert',
  },
  {
    title: 'a tcert that is not PEM',
    prepare: using({ cert: material.write('text.crt', 'this is my certificate\n') }),
    code: 'CERTIFICATE_NOT_PEM',
    says: ['text.crt holds no PEM block, it begins with "this is my certifica"'],
    option: 'tcert',
  },
  {
    title: 'a bundle whose parts were put together without a line end',
    prepare: (node) => node.configure({ sst: { tca: material.ca, tcert: joined } }),
    code: 'CERTIFICATE_NOT_PEM',
    says: [/line \d+ of \S+joined\.pem is the end of one PEM block and the beginning of the next/],
    option: 'tcert',
    hint: /put a line end between/,
  },
  {
    title: 'a certificate in DER',
    prepare: using({ cert: der }),
    code: 'CERTIFICATE_NOT_PEM',
    says: [`${der} is DER (a certificate)`],
    option: 'tcert',
    hint: /openssl x509 -inform DER -in \S+der.crt/,
  },
  {
    title: 'a key in DER',
    prepare: using({ key: derKey }),
    code: 'CERTIFICATE_NOT_PEM',
    says: [`${derKey} is DER (a private key)`],
    option: 'tkey',
    hint: /openssl pkey -inform DER/,
  },
  {
    title: 'a damaged certificate',
    prepare: using({
      cert: material.write('damaged.crt', readFileSync(good.cert, 'utf8').replace(/\n.{20}/, '\nAAAA')),
    }),
    code: 'CERTIFICATE_NOT_PEM',
    says: ['the certificate at line 1 of', 'damaged.crt cannot be decoded'],
    option: 'tcert',
  },
  {
    title: 'a tcert without its key, and no tkey',
    prepare: (node) => node.configure({ sst: { tca: material.ca, tcert: good.cert } }),
    code: 'KEY_MISSING',
    says: ['good.crt holds no private key'],
    option: 'tcert',
    hint: /set tkey/,
  },
  {
    title: 'a key that belongs to another certificate',
    prepare: using({ key: other.key }),
    code: 'KEY_MISMATCH',
    says: ['other.key does not belong to the certificate in', 'good.crt'],
    option: 'tkey',
  },
  {
    title: 'an encrypted key (PKCS#8)',
    prepare: using({ key: encrypted }),
    code: 'KEY_ENCRYPTED',
    says: ['the private key at line 1 of', 'encrypted.key is encrypted'],
    option: 'tkey',
    hint: /openssl pkey -in/,
  },
  {
    title: "an encrypted key (OpenSSL's old style)",
    prepare: using({ key: oldEncrypted }),
    code: 'KEY_ENCRYPTED',
    says: ['old-encrypted.key is encrypted'],
    option: 'tkey',
  },
  {
    title: 'a line end in the path of tcert',
    prepare: using({ cert: '/etc/mysql/a\\nb.crt' }),
    code: 'PATH_UNSAFE',
    says: ['"/etc/mysql/a\\nb.crt"'],
    option: 'tcert',
  },
];

/** Files that a transfer would send to other nodes, or delete. */
const inside: BadInput[] = [
  {
    title: 'a key in a sub directory of the data directory',
    prepare: (node) => {
      node.directory('data/ssl');
      using({ key: node.file('data/ssl/node.key', readFileSync(good.key)) })(node);
      return undefined;
    },
    code: 'PATH_UNSAFE',
    says: [/data\/ssl\/node\.key lies in a sub directory of the data directory/],
    option: 'tkey',
    hint: /move certificates and keys out of the data directory/,
  },
  {
    title: 'a key that is a link into a sub directory of the data directory',
    prepare: (node) => {
      node.directory('data/ssl');
      symlinkSync(node.file('data/ssl/node.key', readFileSync(good.key)), `${node.dir}/link.key`);
      using({ key: `${node.dir}/link.key` })(node);
      return undefined;
    },
    code: 'PATH_UNSAFE',
    says: [/link\.key, which is \S+data\/ssl\/node\.key, lies in a sub directory/],
    option: 'tkey',
  },
  {
    title: 'a key in a directory that a link in the data directory leads to',
    prepare: (node) => {
      symlinkSync(node.directory('secrets'), `${node.dataDir}/ssl`);
      using({ key: node.file('secrets/node.key', readFileSync(good.key)) })(node);
      return undefined;
    },
    code: 'PATH_UNSAFE',
    says: [/secrets\/node\.key lies in a sub directory/],
    option: 'tkey',
  },
  {
    title: 'a key below a data directory that is a link itself',
    prepare: (node) => {
      node.directory('data/ssl');
      node.file('data/ssl/node.key', readFileSync(good.key));
      symlinkSync(node.dataDir, `${node.dir}/mysql`);
      using({ key: `${node.dataDir}/ssl/node.key` })(node);
      return { dataDir: `${node.dir}/mysql` };
    },
    code: 'PATH_UNSAFE',
    says: [/data\/ssl\/node\.key lies in a sub directory/],
    option: 'tkey',
  },
  {
    title: 'a list of revoked certificates in a sub directory of the data directory',
    prepare: (node) => {
      node.directory('data/ssl');
      using({}, { 'ssl-crl': node.file('data/ssl/ca.crl', list) })(node);
      return undefined;
    },
    code: 'PATH_UNSAFE',
    says: [/data\/ssl\/ca\.crl lies in a sub directory/],
    option: 'ssl-crl',
  },
];

const statements: BadInput[] = [
  {
    title: 'an expired certificate',
    prepare: using(expired),
    code: 'CERTIFICATE_EXPIRED',
    says: ["this node's certificate", 'node1.my.cluster', 'expired 1 day 1 hour ago'],
    option: 'tcert',
  },
  {
    title: 'a certificate that is not valid yet',
    prepare: using(early),
    code: 'CERTIFICATE_NOT_YET_VALID',
    says: ["this node's certificate", /3 hours 2\d minutes after this host's clock \(20\d\d-/],
    option: 'tcert',
    hint: /clocks/,
  },
  {
    title: 'a certificate of a CA that tca does not hold',
    prepare: using(foreign),
    code: 'CERTIFICATE_UNTRUSTED',
    says: ['was issued by "CN=another CA"', 'tca holds "CN=test CA"'],
    option: 'tcert',
    hint: /tca must hold/,
  },
  {
    title: 'a certificate of a CA that has the same name and another key',
    prepare: using(namesake),
    code: 'CERTIFICATE_UNTRUSTED',
    says: ['was signed with another key'],
    option: 'tcert',
    hint: /created anew/,
  },
  {
    title: 'a certificate whose extended key usage lacks serverAuth',
    role: 'joiner',
    prepare: using(clientOnly),
    code: 'CERTIFICATE_USAGE',
    says: [/serverAuth/, 'clientAuth'],
    option: 'tcert',
  },
  {
    title: 'a certificate whose extended key usage lacks clientAuth',
    role: 'donor',
    prepare: using(serverOnly),
    code: 'CERTIFICATE_USAGE',
    says: [/clientAuth/],
    option: 'tcert',
  },
  {
    title: 'a certificate that does not name the effective address',
    role: 'joiner',
    prepare: using(elsewhere),
    code: 'CERTIFICATE_NAME_MISMATCH',
    says: [
      'the effective address "127.0.0.1" is not named by',
      'commonName "node9.my.cluster"',
      'IP 127.0.0.9',
    ],
    option: 'tcert',
  },
  {
    title: 'a certificate without its intermediate CA',
    prepare: using(below, { tca: below.ca }),
    code: 'CERTIFICATE_INTERMEDIATE_MISSING',
    says: ['was issued by "O=My Company, CN=intermediate"', 'neither in tca nor in'],
    option: 'tcert',
    hint: /append the intermediate CA's certificate/,
  },
  {
    title: 'a bundle of key and certificate without its intermediate CA',
    prepare: (node) => node.configure({ sst: { tca: below.ca, tcert: bundle } }),
    code: 'CERTIFICATE_INTERMEDIATE_MISSING',
    says: ['neither in tca nor in'],
    option: 'tcert',
  },
];

/** A root, an intermediate and a certificate below, of one organisation: that is what tells a gap from a foreign CA. */
function issueBelowIntermediate(): CertificateFiles & { ca: string } {
  const file = (name: string): string => join(material.dir, `below-${name}`);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const request = (name: string, subject: string, more: readonly string[]): string =>
    runSync(['openssl', 'req', ...newKey, '-subj', subject, '-keyout', file(`${name}.key`), ...more]);
  const sign = (name: string, by: string, extensions: string): void => {
    const ca = ['-CA', file(`${by}.crt`), '-CAkey', file(`${by}.key`), '-CAcreateserial'];
    const files = ['-in', file(`${name}.csr`), '-out', file(`${name}.crt`)];
    const extensionFile = material.write(`below-${name}.ext`, extensions);
    runSync(['openssl', 'x509', '-req', '-days', '9', ...ca, ...files, '-extfile', extensionFile]);
  };
  request('root', '/O=My Company/CN=root', ['-x509', '-days', '9', '-out', file('root.crt')]);
  request('between', '/O=My Company/CN=intermediate', ['-new', '-out', file('between.csr')]);
  sign('between', 'root', 'basicConstraints=critical,CA:TRUE\n');
  request('node', '/O=My Company/CN=node1', ['-new', '-out', file('node.csr')]);
  sign('node', 'between', 'subjectAltName=IP:127.0.0.1\n');
  runSync(['chown', '-R', 'mysql', material.dir]);
  return { ca: file('root.crt'), cert: file('node.crt'), key: file('node.key') };
}

t.test('files of certificates and keys', (t) => {
  refusals(t, files);
  t.end();
});

t.test('files of certificates and keys that a transfer would carry away', (t) => {
  refusals(t, inside);
  t.end();
});

t.test('what certificates say', (t) => {
  refusals(t, statements);
  t.end();
});
