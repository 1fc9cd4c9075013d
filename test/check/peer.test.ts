import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createServer, type SecureContextOptions } from 'node:tls';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { checkPeer } from '../../src/check/peer.js';
import type { CheckReport } from '../../src/check/report.js';
import { issueCertificate } from '../../src/certificates/issue.js';
import { issueCrl } from '../../src/certificates/issue-crl.js';
import { fetchPresented } from '../../src/certificates/presented.js';
import { ca, freePort, otherCa } from '../certificates/given.js';
import { refusedCertificates, showsAnything } from '../certificates/refused.js';
import { serverIn } from './given.js';

type Request = Partial<Parameters<typeof issueCertificate>[0]>;

/** A joiner that listens, up to rsync's greeting; it trusts one CA. */
async function joiner(
  t: Test,
  request: Request = {},
  trusts = ca,
  limits: SecureContextOptions = {},
): Promise<number> {
  const { certPem: cert, keyPem: key } = await issueCertificate({
    ...{ commonName: '127.0.0.1', keyType: 'ec', ca },
    ...request,
  });
  const options = { cert, key, ca: trusts.certPem, requestCert: true, rejectUnauthorized: true, ...limits };
  const server = createServer(options, (socket) => {
    socket.on('error', () => undefined);
    socket.end('@RSYNCD: 31.0\n');
  });
  server.on('tlsClientError', () => undefined);
  t.teardown(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const shown = ({ sections }: CheckReport): readonly string[] =>
  sections.map(
    ({ name, status, findings }) => `${name}: ${status} ${findings.map(({ code }) => code).join(' ')}`,
  );

const accepted = 'what it says of this node: ok ';

const cases: readonly {
  name: string;
  request?: Request;
  trusts?: typeof ca;
  sst?: string;
  says: readonly string[];
}[] = [
  { name: 'both accept each other', says: ['handshake: ok ', 'what it shows: ok ', accepted] },
  {
    name: 'another name',
    request: { commonName: 'node2' },
    says: ['handshake: ok ', 'what it shows: error CERTIFICATE_NAME_MISMATCH', accepted],
  },
  {
    name: 'another name, where names do not count',
    request: { commonName: 'node2' },
    sst: 'ssl-mode=VERIFY_CA',
    says: ['handshake: ok ', 'what it shows: warning CERTIFICATE_NAME_MISMATCH', accepted],
  },
  {
    name: 'another CA',
    request: { ca: otherCa },
    says: ['handshake: ok ', 'what it shows: error CERTIFICATE_UNTRUSTED', accepted],
  },
  {
    name: 'a clock that is ahead',
    request: { notBefore: new Date(Date.now() + 3_600_000), notAfter: new Date(Date.now() + 9e8) },
    says: ['handshake: ok ', 'what it shows: error CERTIFICATE_NOT_YET_VALID', accepted],
  },
  {
    name: 'this node is not accepted there',
    trusts: otherCa,
    says: ['handshake: ok ', 'what it shows: ok ', 'what it says of this node: error PEER_REJECTED_US'],
  },
];

for (const { name, request, trusts, sst, says } of cases) {
  t.test(name, async (t) => {
    const port = await joiner(t, request, trusts);
    const given = sst === undefined ? {} : { sst };
    t.strictSame(shown(await checkPeer(await serverIn(t, given), `127.0.0.1:${port}`, new Date())), says);
  });
}

t.test('a joiner that this node has on its list is refused', async (t) => {
  const port = await joiner(t);
  const { chain } = await fetchPresented({ host: '127.0.0.1', port, speaks: 'tls', timeoutMs: 10_000 });
  const server = await serverIn(t, { sst: 'ssl-crl=DIR/crl' });
  const write = async (serial: string): Promise<void> => {
    const dates = {
      thisUpdate: new Date(Date.now() - 60_000),
      nextUpdate: new Date(Date.now() + 86_400_000),
    };
    const list = await issueCrl({ ca, revoked: new Map([[serial, new Date()]]), number: 1n, ...dates });
    writeFileSync(join(dirname(server.name), 'crl'), list);
  };
  await write('1234');
  t.equal(shown(await checkPeer(server, `127.0.0.1:${port}`, new Date()))[1], 'what it shows: ok ');
  await write(chain[0]?.x509.serialNumber ?? '');
  const [, says] = shown(await checkPeer(server, `127.0.0.1:${port}`, new Date()));
  t.equal(says, 'what it shows: error CERTIFICATE_REVOKED');
});

t.test('what OpenSSL alone refuses is refused, and told once', async (t) => {
  const dir = t.testdir();
  for (const refused of refusedCertificates(dir)) {
    const port = await showsAnything(t, dir, refused);
    const server = await serverIn(t, { trusts: refused.caPem });
    const { sections } = await checkPeer(server, `127.0.0.1:${port}`, new Date());
    const [handshake, shows] = sections;
    t.equal(handshake?.status, 'ok', refused.name);
    t.match(shows?.findings, [
      {
        severity: 'error',
        code: refused.code,
        message: /^the joiner's certificate "CN=.*" does not verify: /,
      },
    ]);
    t.equal(shows?.findings.length, 1);
  }
});

t.test('an own certificate that OpenSSL does not take is that, and no defect', async (t) => {
  const identity = refusedCertificates(t.testdir()).find(({ name }) => name === 'an RSA key of 1024 bits');
  const server = await serverIn(t, { ...(identity === undefined ? {} : { identity }) });
  const report = await checkPeer(server, `127.0.0.1:${await joiner(t)}`, new Date());
  t.match(report.sections[0]?.findings, [{ code: 'CERTIFICATE_UNTRUSTED', message: /key.*too weak/ }]);
});

t.test('what sockopt says of versions and ciphers binds this handshake as it does the tunnel', async (t) => {
  const port = await joiner(t, {}, ca, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' });
  const cases = [
    ['openssl-min-proto-version=TLS1.3', 'handshake: error PEER_PROTOCOL'],
    ['cipher=ECDHE-ECDSA-AES256-GCM-SHA384', 'handshake: error PEER_PROTOCOL'],
    ['openssl-max-proto-version=TLS1.2,cipher=ECDHE-ECDSA-AES128-GCM-SHA256', 'handshake: ok '],
  ] as const;
  for (const [sockopt, says] of cases) {
    const server = await serverIn(t, { sst: `sockopt=${sockopt}` });
    t.equal(shown(await checkPeer(server, `127.0.0.1:${port}`, new Date()))[0], says, sockopt);
  }
});

t.test('it is said what was spoken, and how the clocks compare', async (t) => {
  const report = await checkPeer(await serverIn(t), `127.0.0.1:${await joiner(t)}`, new Date());
  const facts = report.sections.map((section) => section.facts.join(', '));
  t.match(facts[0], /^TLSv1.3 TLS_AES/);
  t.match(facts[1], /^CN=127.0.0.1, .*valid from 20\S+Z to 20\S+Z, by this host's clock it is 20\S+Z$/);
  t.match(facts[2], /^accepts CN=127.0.0.1$/);
});

t.test('nobody there, and options that cannot be read, are reports too', async (t) => {
  const server = await serverIn(t);
  const closed = await checkPeer(server, `127.0.0.1:${await freePort()}`, new Date());
  t.strictSame(shown(closed), ['handshake: error PEER_UNREACHABLE']);
  t.strictSame(shown(await checkPeer(server, 'a b', new Date())), ['handshake: error ADDRESS_INVALID']);
  const none = { ...server, argv: ['--defaults-file', '/none.cnf'] };
  t.strictSame(shown(await checkPeer(none, 'node1', new Date())), [
    'handshake: error OPTION_FILE_UNREADABLE',
  ]);
});
