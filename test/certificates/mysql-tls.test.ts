import { once } from 'node:events';
import type { Socket } from 'node:net';
import t, { type Test } from 'tap';
import { askForTls } from '../../src/certificates/mysql-tls.js';
import { freePort } from './given.js';
import { greeting, packet, serve } from './mysql-server.js';

const ask = (port: number, timeoutMs = 5000): ReturnType<typeof askForTls> =>
  askForTls({ host: '127.0.0.1', port }, AbortSignal.timeout(timeoutMs));

t.test('a server that offers TLS is asked for it, in the words of the protocol', async (t) => {
  let hear: (data: Buffer) => void;
  const asked = new Promise<Buffer>((resolve) => (hear = resolve));
  const port = await serve(t, (socket) => {
    socket.write(greeting());
    socket.once('data', (data) => hear(data));
  });
  const { socket, greeting: said } = await ask(port);
  t.strictSame(said, { version: '10.11.19-MariaDB', offersTls: true });
  const request = await asked;
  t.equal(request.readUIntLE(0, 3), 32, 'the length of an SSLRequest');
  t.equal(request[3], 1, 'the second packet');
  t.equal(request.readUInt32LE(4) & 0x0800, 0x0800, 'CLIENT_SSL');
  t.equal(request.length, 36, 'and no word more: the handshake comes next');
  socket.destroy();
});

t.test('one that offers none is asked for nothing', async (t) => {
  let said = 0;
  const port = await serve(t, (socket) => {
    socket.on('data', (data) => (said += data.length));
    socket.write(greeting({ version: '8.0.36', offersTls: false }));
  });
  const { socket, greeting: heard } = await ask(port);
  t.strictSame(heard, { version: '8.0.36', offersTls: false });
  socket.end();
  await once(socket, 'close');
  t.equal(said, 0);
});

t.test('a greeting in pieces is put together', async (t) => {
  const port = await serve(t, (socket) => {
    const whole = greeting();
    socket.setNoDelay(true);
    const next = (at: number): void => {
      if (at < whole.length) socket.write(whole.subarray(at, at + 3), () => setImmediate(next, at + 3));
    };
    next(0);
  });
  const { socket, greeting: heard } = await ask(port);
  t.equal(heard.offersTls, true);
  socket.destroy();
});

const refusals: readonly {
  name: string;
  treat: (socket: Socket) => void;
  error: { code: string; message: RegExp; hint?: RegExp };
}[] = [
  {
    name: 'a host that is blocked',
    treat: (socket) => socket.write(packet(Buffer.from("\xff\x69\x04#HY000Host 'x' is blocked", 'latin1'))),
    error: { code: 'PEER_PROTOCOL', message: /refuses connections: .*is blocked/, hint: /FLUSH HOSTS/ },
  },
  {
    name: 'another protocol',
    treat: (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
    error: { code: 'PEER_PROTOCOL', message: /no MariaDB server/ },
  },
  {
    name: 'a version of the protocol that is not known',
    treat: (socket) => socket.write(packet(Buffer.from('\x09old\0'))),
    error: { code: 'PEER_PROTOCOL', message: /no MariaDB server/ },
  },
  {
    name: 'a greeting that ends in the middle of itself',
    treat: (socket) => socket.write(packet(Buffer.from('\x0a10.11'))),
    error: { code: 'PEER_PROTOCOL', message: /no MariaDB server/ },
  },
  {
    name: 'a connection that is closed at once',
    treat: (socket) => socket.end(),
    error: { code: 'PEER_UNREACHABLE', message: /closed the connection/ },
  },
];

for (const { name, treat, error } of refusals) {
  t.test(`refused: ${name}`, async (t: Test) => {
    await t.rejects(ask(await serve(t, treat)), error);
  });
}

t.test('nobody there, and nobody who speaks', async (t) => {
  await t.rejects(ask(await freePort()), { code: 'PEER_UNREACHABLE', message: /nothing listens there/ });
  const silent = await serve(t, () => undefined);
  await t.rejects(ask(silent, 200), { code: 'TIMED_OUT', message: /does not greet/ });
});
