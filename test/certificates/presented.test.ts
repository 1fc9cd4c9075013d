import { createServer, type TlsOptions } from 'node:tls';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { fetchPresented } from '../../src/certificates/presented.js';
import { issueCertificate } from '../../src/certificates/issue.js';
import { ca, freePort, node } from './given.js';
import { greeting, mysqlServer, serve } from './mysql-server.js';

const at = (port: number, more: object = {}): Parameters<typeof fetchPresented>[0] => {
  return { host: '127.0.0.1', port, speaks: 'tls', timeoutMs: 5000, ...more };
};

async function tlsServer(t: Test, options: TlsOptions): Promise<number> {
  const server = createServer(options);
  server.on('tlsClientError', () => undefined);
  t.teardown(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

t.test('the certificate with what was sent along, version and cipher; nobody is judged', async (t) => {
  const sub = await issueCertificate({ ca, commonName: 'Sub CA', isCa: true, keyType: 'ec' });
  const expired = { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') };
  const leaf = await node({ ca: sub, commonName: 'node1', ...expired });
  const port = await tlsServer(t, { cert: leaf.certPem + sub.certPem, key: leaf.keyPem });
  const { chain, ...tls } = await fetchPresented(at(port));
  t.strictSame(
    chain.map(({ subject }) => subject),
    ['CN=node1', 'CN=Sub CA'],
  );
  t.match(tls, { protocol: 'TLSv1.3', cipher: /^TLS_/ });
  t.match(await fetchPresented(at(port, { options: { maxVersion: 'TLSv1.2' } })), { protocol: 'TLSv1.2' });
});

t.test("a database server's, behind its greeting", async (t) => {
  const port = await mysqlServer(t, await node({ commonName: 'node1' }));
  const { chain, version } = await fetchPresented(at(port, { speaks: 'mysql' }));
  t.equal(version, '10.11.19-MariaDB');
  t.equal(chain[0]?.subject, 'CN=node1');
});

t.test('a database server without TLS: what to do there', async (t) => {
  const port = await serve(t, (socket) => void socket.write(greeting({ offersTls: false })));
  await t.rejects(fetchPresented(at(port, { speaks: 'mysql' })), {
    code: 'CLEAR_TEXT_REFUSED',
    message: /offers no TLS/,
    hint: /ssl_cert, ssl_key and ssl_ca in \[mysqld\]/,
  });
});

t.test('no TLS there: each in its own words', async (t) => {
  await t.rejects(fetchPresented(at(await freePort())), {
    code: 'PEER_UNREACHABLE',
    message: /nothing listens there/,
  });
  const plain = await serve(t, (socket) => void socket.write('@RSYNCD: 31.0\n'));
  await t.rejects(fetchPresented(at(plain)), { code: 'PEER_PROTOCOL' });
  const silent = await serve(t, () => undefined);
  await t.rejects(fetchPresented(at(silent, { timeoutMs: 200 })), { code: 'TIMED_OUT' });
  const { certPem: cert, keyPem: key } = await node({ commonName: 'node1' });
  const old = await tlsServer(t, { cert, key, maxVersion: 'TLSv1.2' });
  await t.rejects(fetchPresented(at(old, { options: { minVersion: 'TLSv1.3' } })), { code: 'PEER_PROTOCOL' });
});
