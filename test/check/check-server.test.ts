import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import type { GivenServer } from '../../src/agent/servers.js';
import { checkServer } from '../../src/check/check-server.js';
import { exitStatusOf, type CheckReport } from '../../src/check/report.js';
import { givenServer } from '../control/given.js';
import { serverIn, type Given } from './given.js';

const uid = process.geteuid?.() ?? 0;
const check = (server: GivenServer): Promise<CheckReport> =>
  checkServer(server, { socketPath: '/none', uid }, new Date());

/** `topic severity CODE` of all but the script on the path, which this machine may have or not. */
const found = ({ sections }: CheckReport): string[] =>
  sections.flatMap(({ name, findings }) =>
    findings
      .filter(({ code }) => code !== 'TOOL_MISSING')
      .map(({ severity, code }) => `${name}: ${severity} ${code}`),
  );

t.test('a node in order: everything was looked at, and nothing found', async (t) => {
  const report = await check(await serverIn(t));
  t.strictSame(found(report), []);
  const facts = new Map(report.sections.map(({ name, facts: seen }) => [name, seen.join(', ')]));
  t.match(facts.get('tools'), /socat \d.*rsync \d.*node \d.*OpenSSL \d/);
  t.match(facts.get('certificates'), /shows CN=127.0.0.1, trusts CN=Test CA/);
  t.match(facts.get('options'), /tcert=.*my.cnf:\d+/);
  t.match(facts.get('port'), '127.0.0.1:14544');
  t.match(facts.get('dates'), /expires in .*, this host's clock says 20/);
  t.equal(facts.get('leftovers'), 'none');
  t.match(facts.get('directories'), / free, as donor it would send 0 files/);
  t.match(facts.get('agent'), /none at \/none/);
  t.match(facts.get('server'), /MariaDB \d+/);
});

const cases: readonly { name: string; given: Given; finds: readonly string[]; status: number }[] = [
  {
    name: 'a misspelt option',
    given: { sst: 'backup-thread=2' },
    finds: ['options: warning OPTION_UNKNOWN'],
    status: 1,
  },
  {
    name: 'options that contradict each other',
    given: { sst: 'ssl-mode=VERIFY_CA\nsockopt=verify=0' },
    finds: ['options: warning OPTION_CONFLICT', 'certificates: warning VERIFICATION_OFF'],
    status: 1,
  },
  {
    name: 'a value that cannot be',
    given: { sst: 'ssl-mode=MAYBE' },
    finds: ['options: error OPTION_INVALID'],
    status: 2,
  },
  {
    name: 'several values that cannot be, a misspelt option, and what is wrong beside that',
    given: {
      sst: 'rlimit=ten\nbackup-thread=2\nprecopy=sometimes',
      certificate: { commonName: 'node2.my.cluster' },
    },
    finds: [
      'options: error OPTION_INVALID',
      'options: error OPTION_INVALID',
      'options: warning OPTION_UNKNOWN',
      'names: error CERTIFICATE_NAME_MISMATCH',
    ],
    status: 2,
  },
  {
    name: 'a certificate for another address',
    given: { certificate: { commonName: 'node2.my.cluster' } },
    finds: ['names: error CERTIFICATE_NAME_MISMATCH'],
    status: 2,
  },
  {
    name: 'an expired certificate',
    given: { certificate: { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') } },
    finds: ['dates: error CERTIFICATE_EXPIRED'],
    status: 2,
  },
  {
    name: 'a file that is not there',
    given: { sst: 'tca=/none' },
    // the line before it, in the same group, names another one
    finds: ['options: warning OPTION_CONFLICT', 'certificates: error CERTIFICATE_MISSING'],
    status: 2,
  },
  {
    name: 'another method',
    given: { mysqld: 'wsrep_sst_method=rsync' },
    finds: ['server: warning OPTION_INVALID'],
    status: 1,
  },
  {
    name: "the server's own TLS: a key of another certificate, a broken version",
    given: { mysqld: 'ssl_cert=DIR/crt\nssl_key=DIR/other\ntls_version=TLSv1.1,TLSv1.2' },
    finds: ["server's TLS: warning OPTION_INVALID", "server's TLS: error CERTIFICATE_MISSING"],
    status: 2,
  },
  {
    name: 'an own certificate that is revoked by no list, since there is none',
    given: { sst: 'ssl-crl=DIR/ca' },
    finds: ['certificates: error CRL_UNUSABLE'],
    status: 2,
  },
  {
    name: 'a directory that is not there',
    given: { mysqld: 'innodb_log_group_home_dir=/none' },
    finds: ['directories: error DIRECTORY_MISSING'],
    status: 2,
  },
  {
    name: "ciphers of the server's that nobody knows",
    given: { mysqld: 'ssl_cipher=NO-SUCH:ECDHE-RSA-AES256-GCM-SHA384' },
    finds: ["server's TLS: warning OPTION_INVALID"],
    status: 1,
  },
  {
    name: "a version of the clients' that is none",
    given: { client: 'tls_version=TLSv1.2,TLSv9' },
    finds: ["clients' TLS: error OPTION_INVALID"],
    status: 2,
  },
  {
    name: 'clients that trust another file',
    given: { client: 'ssl_ca=/none' },
    finds: ["clients' TLS: error CERTIFICATE_MISSING"],
    status: 2,
  },
];

for (const { name, given, finds, status } of cases) {
  t.test(`found: ${name}`, async (t) => {
    const report = await check(await serverIn(t, given));
    t.strictSame(found(report), finds);
    t.ok(exitStatusOf(report) >= status, 'the exit status says how bad it is');
  });
}

t.test('an option file that is not there is reported, with the rest that needs none', async (t) => {
  const report = await check({ name: 'x', argv: ['--defaults-file', '/none.cnf'], env: {}, directory: '/' });
  t.strictSame(found(report), ['options: error OPTION_FILE_UNREADABLE']);
  t.equal(exitStatusOf(report), 2);
});

t.test('every option that was set is shown as it counts, with its place', async (t) => {
  const server = await serverIn(t, {
    sst: 'rlimit=10m\nverify=checksum\nsockopt=verify=0',
    mysqld: 'loose-sst-idle-timeout=60',
  });
  const { sections } = await check(server);
  const [options] = sections;
  for (const line of [
    /^ssl-mode=REQUIRED \(sockopt at \S+my.cnf:\d+\)$/,
    /^rlimit=10485760 \(\S+my.cnf:\d+\)$/,
    /^verify=checksum \(/,
    /^sst-idle-timeout=60 \(/,
  ])
    t.ok(
      options?.facts.some((fact) => line.test(fact)),
      `${line.source} in ${options?.facts.join('\n') ?? ''}`,
    );
  t.notMatch(options?.facts.join(), 'precopy', 'what has its default is not');
});

t.test('what a donor could not send is found while there is time', async (t) => {
  const server = await serverIn(t);
  const shop = join(server.name, '../data/shop');
  mkdirSync(shop);
  writeFileSync(join(shop, 'orders.isl'), '/elsewhere/shop/orders.ibd');
  symlinkSync('/none', join(shop, 'lost.ibd'));
  const report = await check(server);
  t.strictSame(found(report), [
    'directories: error DATA_DIRECTORY_TABLES',
    'directories: warning COPY_INCOMPLETE',
  ]);
  const { findings } = report.sections.find(({ name }) => name === 'directories')!;
  t.match(findings[0]?.message, /^as donor: tables with DATA DIRECTORY .*shop.orders/);
});

t.test('an agent that has gone and left its socket is a warning', async (t) => {
  const server = await serverIn(t);
  const socket = join(server.name, '../agent.sock');
  writeFileSync(socket, '');
  const { sections } = await checkServer(server, { socketPath: socket, uid }, new Date());
  t.match(sections.at(-1), {
    name: 'agent',
    status: 'warning',
    findings: [{ code: 'AGENT_ABSENT', hint: /the script does transfers itself/ }],
  });
});

t.test('an agent that answers, and that no script would trust, is a warning with the remedy', async (t) => {
  const server = await serverIn(t);
  const { path } = await givenServer(t, {}, { status: () => ({ version: '1.0.0' }) });
  const agentSection = async (as: number): Promise<unknown> =>
    (await checkServer(server, { socketPath: path, uid: as }, new Date())).sections.at(-1);
  t.match(await agentSection(uid), { name: 'agent', status: 'ok', facts: [`version 1.0.0 at ${path}`] });
  t.match(await agentSection(uid + 1), {
    status: 'warning',
    findings: [{ code: 'AGENT_UNTRUSTED', message: /belongs to user/ }],
  });
  // As Kubernetes makes the root of a volume for a pod with fsGroup.
  chmodSync(dirname(path), 0o2777);
  t.match(await agentSection(uid), {
    status: 'warning',
    facts: [`version 1.0.0 at ${path}`],
    findings: [{ severity: 'warning', code: 'AGENT_UNTRUSTED', hint: `${dirname(path)}/agent/agent.sock` }],
  });
});

t.test('an address that cannot be has its line, and the rest is looked at all the same', async (t) => {
  const server = await serverIn(t, { mysqld: 'wsrep_sst_receive_address=127.0.0.1:99999' });
  const report = await check(server);
  t.strictSame(found(report).slice(0, 1), ['options: error ADDRESS_INVALID']);
  const [finding] = report.sections.flatMap(({ findings }) => findings);
  t.match(finding, { option: 'wsrep_sst_receive_address', where: `${server.name}:6` });
  t.match(finding?.message, /^wsrep_sst_receive_address: port "99999"/);
  t.ok(report.sections.some(({ name, facts }) => name === 'leftovers' && facts.includes('none')));
});

t.test(
  'an address that is not this host’s, and one that the certificate does not name, have their line',
  async (t) => {
    const server = await serverIn(t, { mysqld: 'wsrep_sst_receive_address=192.0.2.1' });
    const findings = (await check(server)).sections.flatMap((section) => section.findings);
    const place = `${server.name}:6`;
    t.match(
      findings.find(({ code }) => code === 'ADDRESS_NOT_LOCAL'),
      { option: 'wsrep_sst_receive_address', where: place },
    );
    const mismatch = findings.find(({ code }) => code === 'CERTIFICATE_NAME_MISMATCH');
    t.ok(mismatch?.message.includes(`"192.0.2.1" (wsrep_sst_receive_address at ${place}) is not named by`));
  },
);

t.test('what nobody has looked at is not called in order', async (t) => {
  const server = await serverIn(t);
  const text = readFileSync(server.name, 'utf8').replace(/^tca=.*$/m, '');
  writeFileSync(server.name, text);
  const report = await check(server);
  t.strictSame(found(report), ['options: error OPTION_MISSING']);
  t.notOk(report.sections.some(({ name }) => name === 'leftovers'));
});
