import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readFacts } from '../../src/certificates/facts.js';
import { initCa, issueNode } from '../../src/cli/certs-issue.js';
import { renew } from '../../src/cli/certs-renew.js';
import { writeCrl } from '../../src/cli/certs-revoke.js';
import { openssl } from '../certificates/given.js';

const quiet = (): void => undefined;
const options = (dir: string) => ({ dir, isForced: false, keyType: 'ec' as const });

t.test('what is revoked stays so in later lists, and openssl refuses it', async (t) => {
  const dir = t.testdir();
  await initCa('Our CA', options(dir), quiet);
  for (const name of ['node1', 'node2', 'node3', 'node4']) await issueNode(name, [], options(dir), quiet);
  const file = (name: string): string => join(dir, `${name}.crt`);
  const serial = readFacts(readFileSync(file('node3'), 'utf8')).x509.serialNumber;
  const lines: string[] = [];
  await writeCrl(['node1'], { dir, days: 30 }, (line) => lines.push(line));
  t.ok(lines.includes(`ssl-crl=${join(dir, 'crl.pem')}`), 'the first list comes with its option lines');
  await writeCrl([file('node2')], { dir, days: 30 }, quiet);
  await writeCrl([serial.toLowerCase().replace(/(..)(?=.)/g, '$1:')], { dir, days: 30 }, quiet);
  await writeCrl([], { dir, days: 30 }, (line) => lines.push(line));
  t.match(lines.join('\n'), /number 4, 3 revoked/);
  const verify = (name: string): string =>
    openssl([
      'verify',
      '-crl_check',
      '-CAfile',
      join(dir, 'ca.crt'),
      '-CRLfile',
      join(dir, 'crl.pem'),
      file(name),
    ]);
  for (const name of ['node1', 'node2', 'node3']) t.throws(() => verify(name), /certificate revoked/, name);
  t.match(verify('node4'), /: OK/);
});

t.test('the lines name the place that the list will have on the nodes', async (t) => {
  const dir = t.testdir();
  await initCa('Our CA', options(dir), quiet);
  await issueNode('node1', [], options(dir), quiet);
  // Its files may have been made in a directory of its name.
  mkdirSync(join(dir, 'node1'));
  const before = process.cwd();
  process.chdir(dir);
  t.teardown(() => process.chdir(before));
  const lines: string[] = [];
  await writeCrl(['node1'], { dir, nodeDir: '/etc/mysql/ssl', days: 30 }, (line) => lines.push(line));
  t.match(lines[0], /^revoked CN=node1, serial/);
  t.ok(lines.includes('ssl_crl=/etc/mysql/ssl/crl.pem'));
});

t.test(
  'a node whose name consists of hexadecimal digits, or has others in its file, is revoked as a node',
  async (t) => {
    for (const name of ['db1', 'fd00::1', '*.my.cluster', 'fade.beef']) {
      const dir = t.testdir({ ca: {}, node: {} });
      const [caDir, nodeDir] = [join(dir, 'ca'), join(dir, 'node')];
      await initCa('Our CA', options(caDir), quiet);
      await issueNode(name, [], { ...options(nodeDir), caDir }, quiet);
      const [file = ''] = readdirSync(nodeDir).filter((one) => one.endsWith('.crt') && one !== 'ca.crt');
      const { serialNumber } = readFacts(readFileSync(join(nodeDir, file), 'utf8')).x509;
      await t.rejects(
        writeCrl([name], { dir: caDir, days: 30 }, quiet),
        { code: 'CERTIFICATE_MISSING', message: file, hint: /--dir/ },
        `${name} is not taken for a serial number where its certificate is not`,
      );
      t.notOk(existsSync(join(caDir, 'crl.pem')), 'and no list was written');
      const lines: string[] = [];
      await writeCrl([name], { dir: nodeDir, caDir, days: 30 }, (line) => lines.push(line));
      t.equal(lines[0], `revoked CN=${name}, serial ${serialNumber}`);
      const [ca, crl] = [join(caDir, 'ca.crt'), join(caDir, 'crl.pem')];
      const verify = ['verify', '-crl_check', '-CAfile', ca, '-CRLfile', crl, join(nodeDir, file)];
      t.throws(() => openssl(verify), /certificate revoked/, name);
    }
  },
);

t.test('what a serial number stands for is said, as far as that is known', async (t) => {
  const dir = t.testdir();
  await initCa('Our CA', options(dir), quiet);
  await issueNode('node1', [], options(dir), quiet);
  const { serialNumber } = readFacts(readFileSync(join(dir, 'node1.crt'), 'utf8')).x509;
  const lines: string[] = [];
  const print = (line: string): unknown => lines.push(line);
  await writeCrl([serialNumber, '00000000000000ab'], { dir, days: 30 }, print);
  t.equal(lines[0], `revoked CN=node1, serial ${serialNumber}`);
  t.match(lines[1], /^revoked serial 00000000000000AB: no certificate with this number is at hand in /);
});

t.test('the certificate before a renewal is named as long as it is valid', async (t) => {
  const dir = t.testdir();
  await initCa('Our CA', options(dir), quiet);
  await issueNode('node1', [], options(dir), quiet);
  const { serialNumber } = readFacts(readFileSync(join(dir, 'node1.crt'), 'utf8')).x509;
  await renew('node1', { ...options(dir), wantsNewKey: false }, quiet);
  const old = join(dir, 'node1.crt.old');
  const lines: string[] = [];
  await writeCrl(['node1'], { dir, days: 30 }, (line) => lines.push(line));
  t.ok(lines.includes(`${old}, serial ${serialNumber}, is not revoked and valid: revoke it, too`));
  lines.length = 0;
  await writeCrl(['node1', old], { dir, days: 30 }, (line) => lines.push(line));
  t.notMatch(lines.join('\n'), 'is not revoked');
});

t.test('what a renewal has kept is named as it is called in --dir', async (t) => {
  const dir = t.testdir({ ca: {}, node: {} });
  const [caDir, nodeDir] = [join(dir, 'ca'), join(dir, 'node')];
  await initCa('Our CA', options(caDir), quiet);
  await issueNode('node1', [], { ...options(nodeDir), caDir }, quiet);
  const { serialNumber } = readFacts(readFileSync(join(nodeDir, 'node1.crt'), 'utf8')).x509;
  await renew('node1', { ...options(nodeDir), caDir, wantsNewKey: true }, quiet);
  for (const name of ['node1.crt.old', join(nodeDir, 'node1.crt.old')]) {
    const lines: string[] = [];
    await writeCrl([name], { dir: nodeDir, caDir, days: 30 }, (line) => lines.push(line));
    t.equal(lines[0], `revoked CN=node1, serial ${serialNumber}`, name);
  }
});

t.test('no renewal takes away a certificate that is still valid, and all of them are named', async (t) => {
  const dir = t.testdir();
  await initCa('Our CA', options(dir), quiet);
  await issueNode('node1', [], options(dir), quiet);
  const file = join(dir, 'node1.crt');
  const serialIn = (path: string): string => readFacts(readFileSync(path, 'utf8')).x509.serialNumber;
  const before: string[] = [];
  for (const wantsNewKey of [false, true, false]) {
    before.push(serialIn(file));
    await renew('node1', { ...options(dir), wantsNewKey }, quiet);
  }
  const kept = [`${file}.old`, `${file}.old.1`, `${file}.old.2`];
  t.strictSame(kept.map(serialIn), before);
  t.ok(existsSync(join(dir, 'node1.key.old.1')), 'a key lies beside its certificate');
  const lines: string[] = [];
  await writeCrl(['node1', before[1] ?? ''], { dir, days: 30 }, (line) => lines.push(line));
  t.match(lines[1], /^revoked CN=node1, serial/, 'a serial is found in what was kept');
  const told = lines.filter((line) => line.includes('is not revoked')).sort();
  t.strictSame(
    told.map((line) => line.split(',')[0]),
    [kept[0], kept[2]],
  );
});

t.test('only what this CA issued can be revoked', async (t) => {
  const dir = t.testdir({ a: {}, b: {} });
  for (const name of ['a', 'b']) await initCa(name, options(join(dir, name)), quiet);
  await issueNode('node1', [], options(join(dir, 'a')), quiet);
  const b = { dir: join(dir, 'b'), days: 30 };
  await t.rejects(writeCrl([join(dir, 'a/node1.crt')], b, quiet), { code: 'CERTIFICATE_UNTRUSTED' });
  await t.rejects(writeCrl(['no such file'], b, quiet), { code: 'CERTIFICATE_MISSING' });
  await writeCrl([], { dir: join(dir, 'a'), days: 30 }, quiet);
  await writeCrl([], b, quiet);
  copyFileSync(join(dir, 'a/crl.pem'), join(dir, 'b/crl.pem'));
  await t.rejects(writeCrl([], b, quiet), { code: 'CRL_UNUSABLE' });
});
