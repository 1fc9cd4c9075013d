import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { checkReplication } from '../../src/check/replication.js';
import type { CheckReport } from '../../src/check/report.js';
import { issueCertificate } from '../../src/certificates/issue.js';
import { ca, freePort, otherCa } from '../certificates/given.js';
import { greeting, mysqlServer, serve } from '../certificates/mysql-server.js';
import { refusedCertificates, showsAnything } from '../certificates/refused.js';
import { serverIn } from './given.js';

const tls = 'ssl_ca=DIR/ca\nssl_cert=DIR/crt\nssl_key=DIR/key\n';

type Request = Partial<Parameters<typeof issueCertificate>[0]>;

/** What a replica that trusts the test CA sees of a primary with this certificate. */
async function sees(t: Test, request: Request, host = '127.0.0.1'): Promise<CheckReport> {
  const issued = await issueCertificate({ commonName: '127.0.0.1', keyType: 'ec', ca, ...request });
  const port = await mysqlServer(t, issued);
  return checkReplication(await serverIn(t, { mysqld: tls }), `${host}:${port}`, new Date());
}

const shown = ({ sections }: CheckReport): readonly string[] =>
  sections.map(
    ({ name, status, findings }) => `${name} ${status} ${findings.map(({ code }) => code).join(' ')}`,
  );

const cases: readonly { name: string; request: Request; says: readonly string[] }[] = [
  { name: 'all in order', request: {}, says: ['REQUIRED ok ', 'VERIFY_CA ok ', 'VERIFY_IDENTITY ok '] },
  {
    name: 'a certificate for another name than MASTER_HOST',
    request: { commonName: 'db1' },
    says: ['REQUIRED ok ', 'VERIFY_CA ok ', 'VERIFY_IDENTITY error CERTIFICATE_NAME_MISMATCH'],
  },
  {
    name: 'another CA',
    request: { ca: otherCa },
    says: [
      'REQUIRED ok ',
      'VERIFY_CA error CERTIFICATE_UNTRUSTED',
      'VERIFY_IDENTITY error CERTIFICATE_UNTRUSTED',
    ],
  },
  {
    name: 'a date in the future',
    request: { notBefore: new Date(Date.now() + 3_600_000), notAfter: new Date(Date.now() + 9e8) },
    says: [
      'REQUIRED ok ',
      'VERIFY_CA error CERTIFICATE_NOT_YET_VALID',
      'VERIFY_IDENTITY error CERTIFICATE_UNTRUSTED',
    ],
  },
];

for (const { name, request, says } of cases) {
  t.test(name, async (t) => t.strictSame(shown(await sees(t, request)), says));
}

t.test('the statement names this host’s files, and what to do about a name', async (t) => {
  const { lines, sections } = await sees(t, { commonName: 'db1' });
  t.match(
    lines.join('\n'),
    /once that is repaired:\nCHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=\d+, /,
  );
  t.match(lines.join('\n'), /MASTER_SSL_CA='.*\/ca', MASTER_SSL_CERT='.*\/crt', MASTER_SSL_KEY='.*\/key', /);
  t.match(sections[2]?.findings[0], {
    message: /MASTER_HOST="127.0.0.1" is not what the primary's certificate is for: it has commonName "db1"/,
    hint: /^use MASTER_HOST='db1' .*--san 127.0.0.1$/,
  });
});

t.test('a primary that does not accept the replica’s own certificate', async (t) => {
  const issued = await issueCertificate({ commonName: '127.0.0.1', keyType: 'ec', ca });
  for (const [trusts, says] of [
    [otherCa, 'REQUIRED error PEER_REJECTED_US'],
    [ca, 'REQUIRED ok '],
  ] as const) {
    const port = await mysqlServer(t, issued, trusts);
    const report = await checkReplication(
      await serverIn(t, { mysqld: tls }),
      `127.0.0.1:${port}`,
      new Date(),
    );
    t.strictSame(shown(report), [says, 'VERIFY_CA ok ', 'VERIFY_IDENTITY ok ']);
  }
});

t.test('what OpenSSL alone refuses stops those who verify, and is told once', async (t) => {
  const dir = t.testdir();
  for (const refused of refusedCertificates(dir)) {
    const behind = await showsAnything(t, dir, refused);
    // As a server would: it greets, reads the request for TLS, and then it is TLS.
    const port = await serve(t, (socket) => {
      socket.write(greeting());
      socket.on('readable', function onReadable() {
        if (socket.read(36) === null) return;
        socket.off('readable', onReadable);
        const further = connect(behind, '127.0.0.1');
        further.on('error', () => undefined).pipe(socket);
        socket.pipe(further);
      });
    });
    const server = await serverIn(t, { mysqld: 'ssl_ca=DIR/ca', trusts: refused.caPem });
    const { sections } = await checkReplication(server, `127.0.0.1:${port}`, new Date());
    t.equal(sections[0]?.status, 'ok', refused.name);
    t.match(sections[1]?.findings, [
      { severity: 'error', code: refused.code, message: /^the primary's certificate .* does not verify: / },
    ]);
    t.equal(sections[1]?.findings.length, 1);
  }
});

t.test('an own certificate that OpenSSL does not take is that, and no defect', async (t) => {
  const identity = refusedCertificates(t.testdir()).find(({ name }) => name === 'an RSA key of 1024 bits');
  const server = await serverIn(t, { mysqld: tls, ...(identity === undefined ? {} : { identity }) });
  const issued = await issueCertificate({ commonName: '127.0.0.1', keyType: 'ec', ca });
  const report = await checkReplication(server, `127.0.0.1:${await mysqlServer(t, issued)}`, new Date());
  t.match(report.sections[0]?.findings, [{ code: 'CERTIFICATE_UNTRUSTED', message: /key.*too weak/ }]);
});

t.test('a CA file that is not there stops those who verify', async (t) => {
  const port = await mysqlServer(t, await issueCertificate({ commonName: '127.0.0.1', keyType: 'ec', ca }));
  const server = await serverIn(t, { mysqld: 'ssl_ca=/none' });
  t.strictSame(shown(await checkReplication(server, `127.0.0.1:${port}`, new Date())), [
    'REQUIRED ok ',
    'VERIFY_CA error CERTIFICATE_MISSING',
    'VERIFY_IDENTITY error CERTIFICATE_UNTRUSTED',
  ]);
});

t.test('[client] counts where [mysqld] has no CA, and without any nothing is verified', async (t) => {
  const port = await mysqlServer(t, await issueCertificate({ commonName: '127.0.0.1', keyType: 'ec', ca }));
  const server = await serverIn(t, { client: tls });
  t.strictSame(shown(await checkReplication(server, `127.0.0.1:${port}`, new Date())), cases[0]?.says);
  writeFileSync(server.name, '[mysqld]\ndatadir=/tmp\n');
  const report = await checkReplication(server, `127.0.0.1:${port}`, new Date());
  t.strictSame(shown(report)[1], 'VERIFY_CA error OPTION_MISSING');
});

t.test('a primary that cannot be asked is a report too', async (t) => {
  const server = await serverIn(t, { mysqld: tls });
  const plain = await serve(t, (socket) => void socket.write(greeting({ offersTls: false })));
  for (const [primary, code] of [
    [`127.0.0.1:${await freePort()}`, 'PEER_UNREACHABLE'],
    [`127.0.0.1:${plain}`, 'CLEAR_TEXT_REFUSED'],
    ['no name', 'ADDRESS_INVALID'],
  ] as const)
    t.strictSame(shown(await checkReplication(server, primary, new Date())), [`REQUIRED error ${code}`]);
});

t.test('the replica’s own ciphers count before its files are loaded, and are in the statement', async (t) => {
  const weak = refusedCertificates(t.testdir()).find(({ name }) => name.includes('1024'));
  const server = await serverIn(t, {
    mysqld: `${tls}ssl_cipher=HIGH:@SECLEVEL=1`,
    ...(weak === undefined ? {} : { identity: weak }),
  });
  const issued = await issueCertificate({ commonName: '127.0.0.1', keyType: 'ec', ca });
  const report = await checkReplication(server, `127.0.0.1:${await mysqlServer(t, issued)}`, new Date());
  t.strictSame(shown(report), cases[0]?.says);
  t.match(report.lines.join('\n'), /MASTER_SSL_CIPHER='HIGH:@SECLEVEL=1'/);
});
