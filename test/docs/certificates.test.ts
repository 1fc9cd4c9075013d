import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { openssl } from '../certificates/given.js';
import { blocksOf, sectionOf } from './blocks.js';

t.setTimeout(300_000);

const file = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const page = readFileSync(file('docs/certificates.md'), 'utf8');
const security = readFileSync(file('docs/security.md'), 'utf8');

/** The lines with `certs` in a section's blocks; what they show of servers needs some. */
function linesOf(title: RegExp): string[] {
  return blocksOf(sectionOf(page, title))
    .flatMap((block) => block.split('\n'))
    .filter((line) => /^galera-sst-tunnel certs (?!show)/.test(line));
}

/** The commands with `certs` within a text's sentences. */
function inlineOf(text: string): string[] {
  return [...text.matchAll(/`(?:galera-sst-tunnel )?(certs [^`…]+ [^`…]+)`/g)].map(
    ([, command = '']) => `galera-sst-tunnel ${command}`,
  );
}

const nodes = [1, 2, 3].map((number) => `node${number}`);
const ofNode = (line: string, name: string): string => line.replaceAll('node1', name);

/** The directories that a host has of its own. */
const own = ['/etc/mysql', '/root'];
const enter = `
  for path in ${own.join(' ')}; do mount --bind "$1$path" "$path"; done
  PATH=$1/bin:$PATH
  cd "\${3:-/}"
  eval "$2"`;

/** A host that has nothing but the program: where the pages' paths lie, and how their commands are run there. */
function host(t: Test) {
  const dir = t.testdir({ bin: {} });
  const at = (path: string): string => join(dir, path);
  for (const path of [...own, '/etc/mysql/ssl']) mkdirSync(at(path), { recursive: true });
  symlinkSync(file('dist/bin/galera-sst-tunnel.js'), at('bin/galera-sst-tunnel'));
  const run = (command: string, cwd = ''): void => {
    const argv = ['--mount', '--propagation', 'private', 'sh', '-euc', enter, 'sh', dir, command, cwd];
    const { status, stderr } = spawnSync('unshare', argv, { encoding: 'utf8', timeout: 60_000 });
    t.equal(status, 0, `${command}: ${stderr}`);
  };
  return { at, run };
}

/** Where the CA is, after the page's first section. */
function caHost(t: Test) {
  const made = host(t);
  const [create = '', issue = ''] = blocksOf(sectionOf(page, /Three ways to begin/))[0]?.split('\n') ?? [];
  t.match(create, 'certs init-ca');
  t.match(issue, 'certs issue node1');
  made.run(create);
  for (const name of nodes) made.run(ofNode(issue, name).replace(/ --san \S+/, ''));
  const verify = (cert: string, ...more: string[]): string =>
    openssl(['verify', ...more, '-CAfile', made.at('/root/galera-ca/ca.crt'), made.at(cert)]);
  const revocation = ['-crl_check', '-CRLfile', made.at('/root/galera-ca/crl.pem')];
  return { ...made, verify, revocation };
}

t.test('what the page has for a CA works where the page has put it', async (t) => {
  const { at, run, verify, revocation } = caHost(t);
  const renewal = linesOf(/^## Renewal/);
  t.equal(renewal.length, 2);
  const serialOf = (path: string): string => openssl(['x509', '-noout', '-serial', '-in', at(path)]);
  const before = ['/root/node1/node1.my.cluster.crt', '/root/galera-ca/ca.crt'].map(serialOf);
  for (const line of renewal) run(line);
  t.strictSame(['/root/node1/node1.my.cluster.crt.old', '/root/galera-ca/ca.crt.old'].map(serialOf), before);
  for (const name of nodes) t.match(verify(`/root/${name}/${name}.my.cluster.crt`), /: OK/, name);

  const lists = linesOf(/^## Revocation/);
  t.equal(lists.length, 2);
  for (const line of lists) run(line);
  t.throws(() => verify('/root/node3/node3.my.cluster.crt', ...revocation), /certificate revoked/);
  t.match(verify('/root/node2/node2.my.cluster.crt', ...revocation), /: OK/);
});

t.test('self-signed certificates are made, collected and renewed where a node has them', async (t) => {
  const { at, run } = host(t);
  const block = blocksOf(sectionOf(page, /Three ways to begin/)).find((one) => one.includes('self-signed'));
  const [make = '', collect = ''] = block?.split('\n') ?? [];
  t.match(collect, 'certs bundle');
  for (const name of nodes) run(ofNode(make, name));
  run(collect, '/etc/mysql/ssl');
  const renewals = inlineOf(sectionOf(page, /^## Renewal/));
  t.equal(renewals.length, 1);
  for (const command of renewals) run(command);
  const cert = at('/etc/mysql/ssl/node2.my.cluster.crt');
  t.match(openssl(['verify', '-CAfile', at('/etc/mysql/ssl/all.crt'), cert]), /: OK/);
});

t.test('a tca for two CAs is made as the page says', async (t) => {
  const { at, run } = host(t);
  for (const name of ['old', 'new']) run(`galera-sst-tunnel certs init-ca --dir ${name}`, '/root');
  const commands = inlineOf(sectionOf(page, /A new CA without downtime/));
  t.equal(commands.length, 1);
  for (const command of commands) run(command, '/root');
  t.equal(readFileSync(at('/root/tca.crt'), 'utf8').split('BEGIN CERTIFICATE').length, 3);
});

t.test('what is to be done about a stolen key gives a new one, and revokes the old', async (t) => {
  const { at, run, verify, revocation } = caHost(t);
  const stolen = readFileSync(at('/root/node3/node3.my.cluster.key'), 'utf8');
  const steps = inlineOf(sectionOf(security, /One node's key is stolen/));
  t.match(steps, [/certs renew/, /certs revoke/]);
  t.equal(steps.length, 2);
  for (const step of steps) run(step);
  const cert = '/root/node3/node3.my.cluster.crt';
  t.not(readFileSync(at('/root/node3/node3.my.cluster.key'), 'utf8'), stolen);
  t.throws(() => verify(`${cert}.old`, ...revocation), /certificate revoked/);
  t.match(verify(cert, ...revocation), /: OK/);
});

t.test('an empty list is written as the security page says', async (t) => {
  const { run, verify, revocation } = caHost(t);
  const commands = inlineOf(sectionOf(security, /What to turn on/));
  t.match(commands, [/certs crl/]);
  for (const command of commands) run(command);
  t.match(verify('/root/node3/node3.my.cluster.crt', ...revocation), /: OK/);
});
