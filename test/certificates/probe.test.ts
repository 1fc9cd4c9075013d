import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import type { Test } from 'tap';
import { readFacts } from '../../src/certificates/facts.js';
import { issueCa, issueCertificate } from '../../src/certificates/issue.js';
import type { IssuedCertificate } from '../../src/certificates/issue.js';
import { probePeer } from '../../src/certificates/probe.js';
import type { PeerFacts, ProbeRequest } from '../../src/certificates/probe.js';
import { TransferError } from '../../src/errors.js';
import type { ErrorCode } from '../../src/errors.js';
import { ca, folder, freePort, listen, node, otherCa } from './given.js';

const day = 86_400_000;
const joiner = await node({ commonName: 'node1.my.cluster', ipAddresses: ['127.0.0.1'] });
const donor = await node({ commonName: 'node2.my.cluster' });
const past = { notBefore: new Date(Date.now() - 9 * day), notAfter: new Date(Date.now() - day) };
const future = { notBefore: new Date(Date.now() + 2 * day), notAfter: new Date(Date.now() + 9 * day) };

function identityOf({ certPem, keyPem }: IssuedCertificate): ProbeRequest['identity'] {
  return { leaf: readFacts(certPem), chain: [], keyPem };
}

function probe(port: number, changes: Partial<ProbeRequest> = {}): Promise<PeerFacts> {
  return probePeer({
    host: '127.0.0.1',
    port,
    address: '127.0.0.1',
    identity: identityOf(donor),
    trust: { certificates: [readFacts(ca.certPem)] },
    mode: 'VERIFY_IDENTITY',
    now: new Date(),
    timeoutMs: 10_000,
    ...changes,
  });
}

async function failure(probing: Promise<unknown>): Promise<TransferError> {
  const error = await probing.then(
    () => new Error('the probe succeeded'),
    (reason: unknown) => reason,
  );
  if (error instanceof TransferError) return error;
  throw error;
}

/** A joiner as the plan starts it: socat, and an rsync daemon per connection. */
async function startJoiner(t: Test, { certPem, keyPem }: IssuedCertificate, options = ''): Promise<number> {
  const { write } = folder(t);
  const port = await freePort();
  const config = write('rsyncd.conf', 'use chroot = no\n');
  const files = `cert=${write('node.pem', certPem + keyPem)},cafile=${write('ca.pem', ca.certPem)}`;
  const address = `OPENSSL-LISTEN:${port},bind=127.0.0.1,fork,${files}${options}`;
  await listen(t, address, `EXEC:rsync --server --daemon --config=${config} .`);
  return port;
}

async function portOf(t: Test, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

t.test('how long a joiner takes to answer is a part of the whole, and told when it has', async (t) => {
  const cert = await node({ commonName: 'node1', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] });
  const port = await startJoiner(t, cert);
  for (const host of ['127.0.0.1', 'localhost']) {
    let connected = 0;
    const startedMs = performance.now();
    const peer = await probe(port, { host, address: host, onConnected: () => (connected += 1) });
    const allMs = performance.now() - startedMs;
    t.ok(peer.connectMs > 0 && peer.connectMs < allMs, `${host}: a part of the whole`, {
      connectMs: peer.connectMs,
      allMs,
    });
    t.equal(connected, 1, `${host}: told once`);
  }
});

t.test('a good joiner is described, for every kind of key and version of TLS', async (t) => {
  for (const keyType of ['rsa', 'ec', 'ed25519'] as const) {
    const cert = await node({ commonName: 'node1', ipAddresses: ['127.0.0.1'], keyType, rsaBits: 2048 });
    const port = await startJoiner(t, cert);
    t.match(await probe(port), {
      matched: '127.0.0.1',
      protocol: 'TLSv1.3',
      cipher: /^TLS_/,
      greeting: /^@RSYNCD: \d/,
    });
  }
  const port = await startJoiner(t, joiner, ',openssl-max-proto-version=TLS1.2');
  t.match(await probe(port, { host: 'localhost', address: 'NODE1.my.cluster' }), {
    matched: 'node1.my.cluster',
    protocol: 'TLSv1.2',
    facts: { commonName: 'node1.my.cluster' },
  });
});

t.test("the joiner's certificate is checked as the mode asks", async (t) => {
  const below = await node({ commonName: 'Intermediate CA', isCa: true });
  const cases: {
    title: string;
    cert: IssuedCertificate;
    code: ErrorCode;
    message: RegExp;
    passes: ProbeRequest['mode'][];
  }[] = [
    {
      title: 'name',
      cert: await node({ commonName: 'node9' }),
      code: 'CERTIFICATE_NAME_MISMATCH',
      message: /address "127.0.0.1" is not named by .* commonName "node9"/,
      passes: ['VERIFY_CA', 'REQUIRED'],
    },
    {
      title: 'CA',
      cert: await node({ ca: otherCa, commonName: '127.0.0.1' }),
      code: 'CERTIFICATE_UNTRUSTED',
      message: /issued by "CN=Other CA"/,
      passes: ['REQUIRED'],
    },
    {
      title: 'intermediate',
      cert: await issueCertificate({ ca: below, commonName: '127.0.0.1', keyType: 'ec' }),
      code: 'CERTIFICATE_INTERMEDIATE_MISSING',
      message: /issued by "CN=Intermediate CA"/,
      passes: ['REQUIRED'],
    },
    {
      title: 'expired',
      cert: await node({ commonName: '127.0.0.1', ...past }),
      code: 'CERTIFICATE_EXPIRED',
      message: /expired 1 day ago, on/,
      passes: ['REQUIRED'],
    },
    {
      title: 'not yet valid',
      cert: await node({ commonName: '127.0.0.1', ...future }),
      code: 'CERTIFICATE_NOT_YET_VALID',
      message: /valid only from .*, 1 day 23 hours after this host's clock/,
      passes: ['REQUIRED'],
    },
    {
      title: 'usage',
      cert: await node({ commonName: '127.0.0.1', extendedKeyUsages: ['clientAuth'] }),
      code: 'CERTIFICATE_USAGE',
      message: /holds only clientAuth/,
      passes: ['REQUIRED'],
    },
  ];
  for (const { title, cert, code, message, passes } of cases) {
    const port = await startJoiner(t, cert);
    const identity = { ...identityOf(donor), chain: [readFacts(below.certPem)] };
    for (const mode of ['VERIFY_IDENTITY', 'VERIFY_CA', 'REQUIRED'] as const) {
      if (passes.includes(mode))
        t.match(await probe(port, { mode, identity }), { greeting: /^@RSYNCD/ }, `${title} ${mode}`);
      else t.match(await failure(probe(port, { mode, identity })), { code, message }, `${title} ${mode}`);
    }
  }
});

t.test("Node's own verdict, by the system's clock, counts too", async (t) => {
  const now = new Date(Date.now() - 3 * day);
  const issuer = await issueCa({ name: 'Test CA', keyType: 'ec', notBefore: past.notBefore });
  const port = await startJoiner(t, await node({ ca: issuer, commonName: '127.0.0.1', ...past }));
  const trust = { certificates: [readFacts(issuer.certPem)] };
  t.match(await failure(probe(port, { now, trust })), {
    code: 'CERTIFICATE_EXPIRED',
    message: /does not verify: CERT_HAS_EXPIRED/,
  });
});

t.test("the joiner's rejection of this node is told with its reason", async (t) => {
  const cases: [IssuedCertificate, RegExp][] = [
    [
      await node({ ca: otherCa, commonName: 'alien' }),
      /"CN=alien": it does not trust the CA that signed it .*unknown ca/,
    ],
    [await node({ commonName: 'old', ...past }), /"CN=old": it is expired/],
    [await node({ commonName: 's', extendedKeyUsages: ['serverAuth'] }), /does not allow clients/],
  ];
  for (const version of ['1.2', '1.3']) {
    const port = await startJoiner(
      t,
      joiner,
      `,openssl-min-proto-version=TLS${version},openssl-max-proto-version=TLS${version}`,
    );
    for (const [cert, message] of cases) {
      const identity = identityOf(cert);
      t.match(await failure(probe(port, { identity })), { code: 'PEER_REJECTED_US', message }, version);
    }
  }
  const silent = await startJoiner(t, joiner, ',commonname=somebody.else');
  t.match(await failure(probe(silent)), { code: 'PEER_REJECTED_US', message: /before rsync's greeting/ });
});

t.test('who cannot be reached is told with the reason', async (t) => {
  const cases: [Partial<ProbeRequest>, RegExp][] = [
    [{}, /cannot connect to the joiner 127.0.0.1:\d+: connection refused/],
    [{ host: 'node1.invalid' }, /the name (cannot be resolved|server does not answer)|name server/],
  ];
  for (const [changes, message] of cases) {
    t.match(await failure(probe(await freePort(), changes)), { code: 'PEER_UNREACHABLE', message });
  }
});

t.test('what is no joiner is told apart', async (t) => {
  const clear = await portOf(
    t,
    createTcpServer((socket) => socket.on('error', () => undefined).end('@RSYNCD: 31.0\n')),
  );
  t.match(await failure(probe(clear)), {
    code: 'PEER_PROTOCOL',
    message: /no TLS with/,
    hint: /does not speak TLS/,
  });

  const closing = await portOf(
    t,
    createTcpServer((socket) => socket.on('error', () => undefined).end()),
  );
  t.match(await failure(probe(closing)), { code: 'PEER_PROTOCOL', message: /during the TLS handshake/ });

  const credentials = { cert: joiner.certPem, key: joiner.keyPem };
  const other = await portOf(
    t,
    createTlsServer(credentials, (socket) => socket.on('error', () => undefined).end('220 hello\n')),
  );
  t.match(await failure(probe(other)), { code: 'PEER_PROTOCOL', message: /greeted with "220 hello"/ });
});

t.test('a peer that says nothing costs no more than the time limit, and abort ends it at once', async (t) => {
  const closed: Promise<unknown>[] = [];
  const watch = (socket: Socket) => closed.push(once(socket.on('error', () => undefined).resume(), 'close'));
  const mute = createTcpServer(watch);
  const port = await portOf(t, mute);
  t.match(await failure(probe(port, { timeoutMs: 100 })), {
    code: 'TIMED_OUT',
    message: /handshake within 0.1 s/,
  });

  const credentials = { cert: joiner.certPem, key: joiner.keyPem };
  const polite = createTlsServer(credentials, watch);
  const politePort = await portOf(t, polite);
  t.match(await failure(probe(politePort, { timeoutMs: 1000 })), {
    code: 'TIMED_OUT',
    message: /rsync did not greet/,
  });

  const abort = new AbortController();
  mute.once('connection', () => abort.abort());
  t.match(await failure(probe(port, { signal: abort.signal })), { code: 'INTERRUPTED' });
  t.match(await failure(probe(port, { signal: abort.signal })), { code: 'INTERRUPTED' }, 'aborted before');
  // would never end if the probe left a socket open
  await Promise.all(closed);
  t.ok(closed.length >= 3);
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

t.test('the time limit counts however much garbage is collected meanwhile', async (t) => {
  const mute = createTcpServer((socket) => socket.on('error', () => undefined).resume());
  const port = await portOf(t, mute);
  const collecting = setInterval(collectGarbage, 20);
  t.teardown(() => clearInterval(collecting));
  const abort = new AbortController();
  const late = setTimeout(() => abort.abort(), 5000);
  t.match(await failure(probe(port, { timeoutMs: 300, signal: abort.signal })), { code: 'TIMED_OUT' });
  clearTimeout(late);
});
