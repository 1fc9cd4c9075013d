import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readFacts } from '../../src/certificates/facts.js';
import { initCa, issueNode } from '../../src/cli/certs-issue.js';
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
