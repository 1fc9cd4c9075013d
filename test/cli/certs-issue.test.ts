import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readFacts, type CertificateFacts } from '../../src/certificates/facts.js';
import { initCa, issueNode, renew, selfSignNode } from '../../src/cli/certs-issue.js';
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
  await t.rejects(initCa('Our CA', options(dir), quiet), { code: 'FILE_EXISTS', exitStatus: 17 });
  await t.rejects(issueNode('node1', [], options(dir), quiet), { code: 'FILE_EXISTS' });
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
  for (const name of ['node 1', '', 'IP:node1', 'DNS:10.0.0.1', '../node1', 'a;b'])
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
