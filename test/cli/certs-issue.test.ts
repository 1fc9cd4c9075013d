import { appendFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readFacts, type CertificateFacts } from '../../src/certificates/facts.js';
import { initCa, issueNode, selfSignNode } from '../../src/cli/certs-issue.js';
import { renew } from '../../src/cli/certs-renew.js';
import { bundle } from '../../src/cli/certs-bundle.js';
import { openssl } from '../certificates/given.js';

const quiet = (): void => undefined;
const options = (dir: string) => ({ dir, isForced: false, keyType: 'ec' as const });
const factsOf = (path: string): CertificateFacts => readFacts(readFileSync(path, 'utf8'));
const modeOf = (path: string): number => statSync(path).mode & 0o777;
const dayMs = 86_400_000;
const daysLeft = ({ notAfter }: CertificateFacts): number =>
  Math.round((notAfter.getTime() - Date.now()) / dayMs);

t.test('a CA and a node certificate have safe defaults and are accepted by openssl', async (t) => {
  const dir = t.testdir();
  const lines: string[] = [];
  await initCa('Our CA', { ...options(dir), keyType: 'rsa' }, quiet);
  await issueNode(
    'node1.my.cluster',
    ['10.0.0.1', 'IP:fd00::1', 'DNS:db1'],
    { ...options(dir), keyType: 'rsa' },
    (line) => lines.push(line),
  );
  const [ca, cert, key] = ['ca.crt', 'node1.my.cluster.crt', 'node1.my.cluster.key'].map((name) =>
    join(dir, name),
  );
  for (const purpose of ['sslserver', 'sslclient'])
    t.match(openssl(['verify', '-x509_strict', '-purpose', purpose, '-CAfile', ca!, cert!]), /: OK/);
  const facts = factsOf(cert!);
  t.match(facts, {
    subject: 'CN=node1.my.cluster',
    dnsNames: ['node1.my.cluster', 'db1'],
    ipAddresses: ['10.0.0.1', 'fd00::1'],
    keyType: 'rsa 3072',
    isCa: false,
    extendedKeyUsages: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'],
  });
  t.match(openssl(['x509', '-noout', '-text', '-in', cert!]), /Signature Algorithm: sha256WithRSAEncryption/);
  t.equal(daysLeft(facts), 365);
  t.equal(daysLeft(factsOf(ca!)), 3650);
  t.equal(factsOf(ca!).isCa, true);
  t.strictSame(
    [ca, join(dir, 'ca.key'), cert, key].map((path) => modeOf(path!)),
    [0o644, 0o600, 0o644, 0o600],
  );
  const text = lines.join('\n');
  for (const part of [
    `tca=${ca}`,
    `tcert=${cert}`,
    `tkey=${key}`,
    `ssl_cert=${cert}`,
    '# ssl-verify-server-cert',
  ])
    t.ok(lines.includes(part), part);
  t.match(text, /CHANGE MASTER TO MASTER_HOST='node1.my.cluster', MASTER_SSL=1, .*_VERIFY_SERVER_CERT=1;/);
});

t.test('nothing is overwritten unless that is wanted', async (t) => {
  const dir = t.testdir();
  await initCa('Our CA', options(dir), quiet);
  await issueNode('node1', [], options(dir), quiet);
  const before = ['ca.key', 'ca.crt', 'node1.key', 'node1.crt'].map((name) =>
    readFileSync(join(dir, name), 'utf8'),
  );
  await t.rejects(initCa('Our CA', options(dir), quiet), {
    code: 'FILE_EXISTS',
    exitStatus: 17,
    hint: new RegExp(`^galera-sst-tunnel certs renew ca --dir ${dir} .* --force .* invalid$`),
  });
  await t.rejects(issueNode('node1', [], options(dir), quiet), {
    code: 'FILE_EXISTS',
    hint: new RegExp(`^galera-sst-tunnel certs renew node1 --dir ${dir} `),
  });
  await t.rejects(selfSignNode('node1', [], options(dir), quiet), { code: 'FILE_EXISTS' });
  const after = ['ca.key', 'ca.crt', 'node1.key', 'node1.crt'].map((name) =>
    readFileSync(join(dir, name), 'utf8'),
  );
  t.strictSame(after, before);
  await issueNode('node1', [], { ...options(dir), isForced: true }, quiet);
  t.not(readFileSync(join(dir, 'node1.crt'), 'utf8'), before[3]);
});

t.test('a CA may be elsewhere; its certificate is laid beside the node’s', async (t) => {
  const dir = t.testdir({ ca: {}, node: {} });
  await initCa('Our CA', options(join(dir, 'ca')), quiet);
  await issueNode('10.0.0.1', [], { ...options(join(dir, 'node')), caDir: join(dir, 'ca') }, quiet);
  const node = join(dir, 'node');
  t.match(openssl(['verify', '-CAfile', join(node, 'ca.crt'), join(node, '10.0.0.1.crt')]), /: OK/);
  t.strictSame(factsOf(join(node, '10.0.0.1.crt')).ipAddresses, ['10.0.0.1']);
});

t.test('the lines name the place that the files will have on the node', async (t) => {
  const dir = t.testdir();
  const lines: string[] = [];
  const given = { ...options(dir), nodeDir: '/etc/mysql/ssl' };
  await initCa('Our CA', given, (line) => lines.push(line));
  t.ok(lines.includes('tca=/etc/mysql/ssl/ca.crt'));
  lines.length = 0;
  await issueNode('node1', [], given, (line) => lines.push(line));
  for (const part of ['tca=/etc/mysql/ssl/ca.crt', 'ssl_key=/etc/mysql/ssl/node1.key'])
    t.ok(lines.includes(part));
  t.match(lines.join('\n'), /MASTER_SSL_CERT='\/etc\/mysql\/ssl\/node1.crt'/);
});

t.test('a ca.crt that is there already and holds another CA is told of, with what to do', async (t) => {
  const dir = t.testdir({ old: {}, new: {}, node: {} });
  const at = (name: string): string => join(dir, name);
  for (const name of ['old', 'new']) await initCa(name, options(at(name)), quiet);
  await issueNode('node1', [], { ...options(at('node')), caDir: at('old') }, quiet);
  const lines: string[] = [];
  const given = { ...options(at('node')), isForced: true, caDir: at('new') };
  await issueNode('node1', [], given, (line) => lines.push(line));
  const own = at('node/ca.crt');
  t.ok(lines.includes(`  galera-sst-tunnel certs bundle --force ${own} ${own} ${at('new/ca.crt')}`));
  bundle(own, [own, at('new/ca.crt')], { isForced: true }, quiet);
  t.match(openssl(['verify', '-CAfile', own, at('node/node1.crt')]), /: OK/);
  lines.length = 0;
  await issueNode('node1', [], given, (line) => lines.push(line));
  t.notMatch(lines.join('\n'), 'bundle', 'it holds both now');
});

t.test('a name that no peer can connect to is refused, and a directory without a CA', async (t) => {
  const dir = t.testdir();
  await t.rejects(issueNode('node1', [], options(dir), quiet), { code: 'CERTIFICATE_MISSING' });
  await initCa('Our CA', { ...options(dir), days: 30 }, quiet);
  for (const name of ['node 1', '', 'IP:node1', 'DNS:10.0.0.1', '../node1', 'a;b', 'fe80::1%eth0', '.', '*.'])
    await t.rejects(issueNode(name, [], options(dir), quiet), { code: 'ARGUMENT_INVALID' }, name);
  await t.rejects(issueNode('node1', ['-x'], options(dir), quiet), { code: 'ARGUMENT_INVALID' });
  await t.rejects(
    issueNode('node1', [], options(dir), quiet),
    { code: 'CERTIFICATE_EXPIRES_SOON' },
    'the CA would expire first',
  );
});

t.test('a renewed certificate has the same names and key, or a new key', async (t) => {
  const dir = t.testdir();
  await initCa('Our CA', options(dir), quiet);
  await issueNode('node1', ['10.0.0.1'], { ...options(dir), days: 3 }, quiet);
  await selfSignNode('node2', [], { ...options(dir), days: 3 }, quiet);
  const path = (name: string): string => join(dir, name);
  for (const name of ['node1', 'node2', 'ca']) {
    const before = factsOf(path(`${name}.crt`));
    await renew(name, { ...options(dir), wantsNewKey: false }, quiet);
    const after = factsOf(path(`${name}.crt`));
    t.strictSame(
      [after.subject, after.dnsNames, after.ipAddresses, after.isCa],
      [before.subject, before.dnsNames, before.ipAddresses, before.isCa],
    );
    t.not(after.x509.serialNumber, before.x509.serialNumber);
    t.ok(after.x509.publicKey.equals(before.x509.publicKey), 'the key is the same');
    t.equal(daysLeft(after), name === 'ca' ? 3650 : 365);
    t.equal(factsOf(path(`${name}.crt.old`)).fingerprint256, before.fingerprint256);
  }
  t.match(
    openssl(['verify', '-CAfile', path('ca.crt'), path('node1.crt')]),
    /: OK/,
    'also under a renewed CA',
  );
  t.match(
    openssl(['verify', '-CAfile', path('ca.crt.old'), path('node1.crt')]),
    /: OK/,
    'and under the one before',
  );
  const before = factsOf(path('node1.crt'));
  await renew(path('node1.crt'), { ...options(dir), wantsNewKey: true }, quiet);
  t.notOk(factsOf(path('node1.crt')).x509.publicKey.equals(before.x509.publicKey));
  t.equal(modeOf(path('node1.key')), 0o600);
  await t.rejects(renew('ca', { ...options(dir), wantsNewKey: true }, quiet), { code: 'ARGUMENT_INVALID' });
});

t.test('a certificate of another CA is not renewed', async (t) => {
  const dir = t.testdir({ a: {}, b: {} });
  for (const name of ['a', 'b']) await initCa(name, options(join(dir, name)), quiet);
  await issueNode('node1', [], options(join(dir, 'a')), quiet);
  const given = { ...options(join(dir, 'a')), caDir: join(dir, 'b'), wantsNewKey: false };
  await t.rejects(renew('node1', given, quiet), { code: 'CERTIFICATE_UNTRUSTED' });
});

t.test(
  'names and addresses stand in the certificate as programs compare them, however they were written',
  async (t) => {
    const dir = t.testdir();
    await initCa('Our CA', options(dir), quiet);
    const cases = [
      ['2001:db8::10.0.0.7', '2001:db8::a00:7', '2001_db8__a00_7', ['-verify_ip', '2001:db8::a00:7']],
      ['FD00:0:0::0001', 'fd00::1', 'fd00__1', ['-verify_ip', 'fd00::1']],
      ['::ffff:10.0.0.1', '::ffff:10.0.0.1', '__ffff_10.0.0.1', ['-verify_ip', '::ffff:10.0.0.1']],
      ['IP:10.0.0.9', '10.0.0.9', '10.0.0.9', ['-verify_ip', '10.0.0.9']],
      ['DNS:node1', 'node1', 'node1', ['-verify_hostname', 'node1']],
      ['node2.my.cluster.', 'node2.my.cluster', 'node2.my.cluster', ['-verify_hostname', 'node2.my.cluster']],
      ['::', '::', '__', ['-verify_ip', '::']],
      ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8', '1_2_3_4_5_6_7_8', ['-verify_ip', '1:2:3:4:5:6:7:8']],
    ] as const;
    for (const [given, name, file, check] of cases) {
      const lines: string[] = [];
      await issueNode(given, [], options(dir), (line) => lines.push(line));
      const cert = join(dir, `${file}.crt`);
      const facts = factsOf(cert);
      t.equal(facts.commonName, name, given);
      t.strictSame([...facts.dnsNames, ...facts.ipAddresses], [name]);
      t.match(openssl(['verify', ...check, '-CAfile', join(dir, 'ca.crt'), cert]), /: OK/);
      t.ok(lines.includes(`# in an option file on ${name}`));
      await renew(given, { ...options(dir), wantsNewKey: false }, quiet);
    }
  },
);

t.test('no node is called like the files of the CA and of all nodes', async (t) => {
  const dir = t.testdir();
  await initCa('Our CA', options(dir), quiet);
  const before = readFileSync(join(dir, 'ca.key'), 'utf8');
  for (const name of ['ca', 'all', 'CA', 'DNS:ca', 'ca.']) {
    const given = { ...options(dir), isForced: true };
    await t.rejects(issueNode(name, [], given, quiet), { code: 'ARGUMENT_INVALID', hint: /--san/ }, name);
    await t.rejects(selfSignNode(name, [], given, quiet), { code: 'ARGUMENT_INVALID' }, name);
  }
  t.equal(readFileSync(join(dir, 'ca.key'), 'utf8'), before);
  await issueNode('ca.my.cluster', ['ca'], options(dir), quiet);
});

/** A root in `root`, an intermediate CA below it in `ca`, both with an organisation and a limit. */
function intermediateIn(dir: string, rootDays = 4000): void {
  for (const name of ['root', 'ca']) mkdirSync(join(dir, name));
  const [root, ca] = [join(dir, 'root'), join(dir, 'ca')];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl([
    ...['req', '-x509', ...key, '-keyout', join(root, 'ca.key'), '-out', join(root, 'ca.crt')],
    ...[
      '-subj',
      '/O=Org/CN=Root',
      '-days',
      String(rootDays),
      '-addext',
      'keyUsage=critical,keyCertSign,cRLSign',
    ],
  ]);
  openssl([
    'req',
    ...key,
    '-keyout',
    join(ca, 'ca.key'),
    '-out',
    join(ca, 'csr'),
    '-subj',
    '/O=Org/CN=Below',
  ]);
  // An identifier of its own: others than this program do not all take the SHA-1 of the key.
  const extensions =
    'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nnameConstraints=permitted;DNS:my.cluster\nsubjectKeyIdentifier=0102030405';
  writeFileSync(join(ca, 'ext'), extensions);
  openssl([
    ...['x509', '-req', '-in', join(ca, 'csr'), '-CA', join(root, 'ca.crt'), '-CAkey', join(root, 'ca.key')],
    ...['-CAcreateserial', '-days', '3700', '-extfile', join(ca, 'ext'), '-out', join(ca, 'ca.crt')],
  ]);
}

t.test('where there is nothing to renew, the hint says how its directory is named', async (t) => {
  const dir = t.testdir({ ca: {}, node: {} });
  const [caDir, nodeDir] = [join(dir, 'ca'), join(dir, 'node')];
  await initCa('Our CA', options(caDir), quiet);
  await issueNode('node1', [], { ...options(nodeDir), caDir }, quiet);
  const hint = "name its directory with --dir, the CA's with --ca-dir";
  for (const [name, at, message] of [
    ['node1', caDir, /node1.crt does not exist/],
    ['ca', nodeDir, /ca.key does not exist/],
  ] as const) {
    const failed = { code: 'CERTIFICATE_MISSING', message, hint };
    await t.rejects(renew(name, { ...options(at), wantsNewKey: false }, quiet), failed);
  }
});

t.test('under an intermediate CA the node shows it, too, and is told when the root lacks', async (t) => {
  const dir = t.testdir();
  intermediateIn(dir);
  const at = (name: string): string => join(dir, name);
  const lines: string[] = [];
  const given = (name: string) => ({ ...options(at(name)), caDir: at('ca') });
  await issueNode('node1.my.cluster', [], given('node1'), (line) => lines.push(line));
  t.match(lines.join('\n'), /node1\/ca.crt does not hold the root above "O=Org, CN=Below"/);
  t.match(lines.join('\n'), /certs bundle --force \S+ca.crt \S+ca.crt ROOT.crt/);
  appendFileSync(at('ca/ca.crt'), readFileSync(at('root/ca.crt')));
  lines.length = 0;
  await issueNode('node2.my.cluster', [], given('node2'), (line) => lines.push(line));
  t.notMatch(lines.join('\n'), 'does not hold');
  const cert = at('node2/node2.my.cluster.crt');
  const verify = ['verify', '-x509_strict', '-CAfile', at('root/ca.crt'), '-untrusted', cert, cert];
  t.match(openssl(verify), /: OK/, 'a peer that knows the root alone accepts what the node shows');
  t.match(openssl(['verify', '-CAfile', at('node2/ca.crt'), cert]), /: OK/, 'and tca is enough');
  await renew('node2.my.cluster', { ...given('node2'), wantsNewKey: true }, quiet);
  t.match(openssl(verify), /: OK/, 'after a renewal, too');
  t.equal(readFileSync(`${cert}.old`, 'utf8').split('BEGIN').length, 3);
});

t.test('an intermediate CA that is renewed stays one, with its limits', async (t) => {
  const dir = t.testdir();
  intermediateIn(dir);
  const at = (name: string): string => join(dir, name);
  await issueNode('node1.my.cluster', [], { ...options(at('node')), caDir: at('ca') }, quiet);
  const given = { ...options(at('ca')), caDir: at('root'), days: 3650, wantsNewKey: false };
  await t.rejects(renew('ca', { ...given, caDir: at('ca') }, quiet), { code: 'CERTIFICATE_UNTRUSTED' });
  await t.rejects(renew('ca', { ...given, wantsNewKey: true }, quiet), { code: 'ARGUMENT_INVALID' });
  await renew('ca', given, quiet);
  const text = openssl(['x509', '-noout', '-text', '-in', at('ca/ca.crt')]);
  for (const part of ['CA:TRUE, pathlen:0', 'DNS:my.cluster', 'Certificate Sign', '01:02:03:04:05'])
    t.ok(text.includes(part), part);
  t.equal(factsOf(at('ca/ca.crt')).subject, 'O=Org, CN=Below');
  const cert = at('node/node1.my.cluster.crt');
  const verify = ['verify', '-CAfile', at('root/ca.crt'), '-untrusted', at('ca/ca.crt'), cert];
  t.match(openssl(verify), /: OK/, 'what it issued before stays valid');
});

t.test('an intermediate CA is renewed for as long as its issuer has left', async (t) => {
  const dir = t.testdir();
  intermediateIn(dir, 300);
  const at = (name: string): string => join(dir, name);
  const given = { ...options(at('ca')), caDir: at('root'), wantsNewKey: false };
  await renew('ca', given, quiet);
  const [root, below] = [factsOf(at('root/ca.crt')), factsOf(at('ca/ca.crt'))];
  t.ok(below.notAfter <= root.notAfter, 'it does not outlive the root');
  t.ok(daysLeft(below) >= daysLeft(root) - 1, 'and has nearly all of what that has');
  await t.rejects(renew('ca', { ...given, days: 36_500 }, quiet), {
    code: 'CERTIFICATE_EXPIRES_SOON',
    hint: `renew that CA first (galera-sst-tunnel certs renew ca --dir ${at('root')}), or ask for fewer --days`,
  });
});

t.test('a renewal keeps every name, and whatever else its file holds', async (t) => {
  const dir = t.testdir();
  const at = (name: string): string => join(dir, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl([
    ...['req', '-x509', ...key, '-keyout', at('node1.key'), '-out', at('node1.crt')],
    ...['-subj', '/O=Org/OU=Unit/CN=node1', '-days', '9', '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-addext', 'subjectAltName=DNS:node1,URI:spiffe://my/node1,email:a@my.cluster,IP:10.0.0.1'],
  ]);
  const before = factsOf(at('node1.crt'));
  await renew('node1', { ...options(dir), wantsNewKey: false }, quiet);
  const after = factsOf(at('node1.crt'));
  t.equal(after.subject, 'O=Org, OU=Unit, CN=node1');
  t.equal(after.x509.subjectAltName, before.x509.subjectAltName);
  t.equal(daysLeft(after), 365);
  await initCa('Our CA', options(dir), quiet);
  await initCa('Their CA', options(at('their')), quiet);
  const [ours, theirs] = [readFileSync(at('ca.crt'), 'utf8'), readFileSync(at('their/ca.crt'), 'utf8')];
  const both = `our CA\n${theirs}${ours}`;
  writeFileSync(at('ca.crt'), both);
  await renew('ca', { ...options(dir), wantsNewKey: false }, quiet);
  t.equal(readFileSync(at('ca.crt.old'), 'utf8'), both, 'the file before is kept as it was');
  const now = readFileSync(at('ca.crt'), 'utf8');
  t.ok(now.startsWith(theirs), 'the other CA is still there');
  t.notOk(now.includes(ours), 'and this one is new');
});

t.test('a file with certificate and key is renewed as a whole, and stays closed', async (t) => {
  const dir = t.testdir();
  const at = (name: string): string => join(dir, name);
  await selfSignNode('node1', [], options(dir), quiet);
  const key = readFileSync(at('node1.key'), 'utf8');
  writeFileSync(at('node1.crt'), readFileSync(at('node1.crt'), 'utf8') + key);
  await renew('node1', { ...options(dir), wantsNewKey: true }, quiet);
  const now = readFileSync(at('node1.crt'), 'utf8');
  t.notOk(now.includes(key));
  t.ok(now.includes(readFileSync(at('node1.key'), 'utf8')), 'the new key has replaced the old one');
  t.strictSame([modeOf(at('node1.crt')), modeOf(at('node1.crt.old'))], [0o600, 0o600]);
});
