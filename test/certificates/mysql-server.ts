import { X509Certificate } from 'node:crypto';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { TLSSocket, createSecureContext } from 'node:tls';
import type { Test } from 'tap';
import type { IssuedCertificate } from '../../src/certificates/issue.js';

/** What a MariaDB server says first; the second half of a greeting that no test looks at is left out. */
export function greeting({ version = '5.5.5-10.11.19-MariaDB', offersTls = true } = {}): Buffer {
  const capabilities = Buffer.alloc(2);
  capabilities.writeUInt16LE(0xf7ff & ~(offersTls ? 0 : 0x0800));
  const payload = Buffer.concat([
    Buffer.from([10]),
    Buffer.from(`${version}\0`),
    Buffer.from([1, 0, 0, 0]),
    Buffer.from('12345678\0'),
    offersTls ? Buffer.from([0xff, 0xff]) : capabilities,
    Buffer.alloc(30),
  ]);
  return packet(payload);
}

export function packet(payload: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUIntLE(payload.length, 0, 3);
  return Buffer.concat([head, payload]);
}

/** Listens on 127.0.0.1 and treats every connection alike; gives the port. */
export async function serve(t: Test, treat: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    treat(socket);
  });
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A database server up to TLS: greets, reads the request for TLS (36 bytes), shakes hands. */
export function mysqlServer(
  t: Test,
  identity: Pick<IssuedCertificate, 'certPem' | 'keyPem'>,
  /** Hangs up on whoever shows a certificate of another CA. */
  trusts?: Pick<IssuedCertificate, 'certPem'>,
): Promise<number> {
  const secureContext = createSecureContext({ cert: identity.certPem, key: identity.keyPem });
  const trusted = trusts === undefined ? undefined : new X509Certificate(trusts.certPem).publicKey;
  return serve(t, (socket) => {
    socket.write(greeting());
    // The handshake may come in one piece with it.
    socket.on('readable', function onReadable() {
      if (socket.read(36) === null) return;
      socket.off('readable', onReadable);
      const requestCert = trusted !== undefined;
      const secure = new TLSSocket(socket, { isServer: true, secureContext, requestCert });
      secure.on('error', () => undefined);
      secure.on('secure', () => {
        if (trusted !== undefined && secure.getPeerX509Certificate()?.verify(trusted) !== true)
          secure.destroy();
      });
    });
  });
}
