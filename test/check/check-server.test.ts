import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { GivenServer } from '../../src/agent/servers.js';
import { issueCa, issueCertificate, type CertificateRequest } from '../../src/certificates/issue.js';
import { checkServer } from '../../src/check/check-server.js';
import { exitStatusOf, type CheckReport } from '../../src/check/report.js';

const ca = await issueCa({ name: 'Test CA', keyType: 'ec' });

interface Given {
  readonly certificate?: CertificateRequest;
  readonly sst?: string;
  readonly mysqld?: string;
  readonly client?: string;
}

/** A server in order on 127.0.0.1, but for what is given. */
async function serverIn(
  t: Test,
  { certificate, sst = '', mysqld = '', client = '' }: Given = {},
): Promise<GivenServer> {
  const dir = t.testdir();
  mkdirSync(join(dir, 'data'));
  const issued = await issueCertificate({ commonName: '127.0.0.1', keyType: 'ec', ca, ...certificate });
  const write = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text, { mode: 0o600 });
    return join(dir, name);
  };
  const [crt, key, caFile] = [
    write('crt', issued.certPem),
    write('key', issued.keyPem),
    write('ca', ca.certPem),
  ];
  const address =
    'wsrep_sst_receive_address=127.0.0.1:14544\nwsrep_sst_method=rsync_tunnel\nwsrep_sst_auth=a:b';
  const text = `[mysqld]\ndatadir=${dir}/data\n${address}\n${mysqld}\n[sst]\ntmpdir=${dir}\ntca=${caFile}\ntcert=${crt}\ntkey=${key}\n${sst}\n[client]\n${client}\n`;
  const file = write('my.cnf', text.replaceAll('DIR', dir));
  return { name: file, argv: ['--defaults-file', file], env: {}, directory: '/' };
}

const check = (server: GivenServer): Promise<CheckReport> => checkServer(server, '/none', new Date());

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
  t.match(facts.get('tools'), /socat \d.*rsync \d/);
  t.match(facts.get('certificates'), /shows CN=127.0.0.1, trusts CN=Test CA/);
  t.match(facts.get('options'), /tcert=.*my.cnf:\d+/);
  t.match(facts.get('port'), '127.0.0.1:14544');
  t.match(facts.get('directories'), / free/);
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
    name: 'a value that cannot be',
    given: { sst: 'ssl-mode=MAYBE' },
    finds: ['options: error OPTION_INVALID'],
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
    finds: ['certificates: error CERTIFICATE_MISSING'],
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
