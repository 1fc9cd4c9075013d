import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import t from 'tap';
import { issueCa } from '../../src/certificates/issue.js';
import { expectNoProcess } from './failing.js';
import { Material } from './material.js';
import { lockTables, startDonor, waitingPair } from './pair.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(240_000);

const foreign = await material.issue('foreign', {}, await issueCa({ name: 'another CA', keyType: 'ec' }));

interface Stranger {
  readonly title: string;
  /** Begins to bother the port; gives what it has open. */
  readonly come: (port: number) => readonly Socket[];
}

const identity = ({ cert, key }: { cert: string; key: string }) => ({
  cert: readFileSync(cert),
  key: readFileSync(key),
});

const strangers: readonly Stranger[] = [
  { title: 'no certificate', come: (port) => [withTls(port, {}, '@RSYNCD: 31.0\nrsync_tunnel_sst\n')] },
  {
    title: 'a foreign certificate',
    come: (port) => [withTls(port, identity(foreign), '@RSYNCD: 31.0\nrsync_tunnel_sst\n')],
  },
  {
    title: 'a valid certificate and no secret',
    come: (port) => [
      withTls(port, identity(material.good), '@RSYNCD: 31.0 md5\nrsync_tunnel_sst\nsst wronganswer\n'),
    ],
  },
  {
    title: 'a valid certificate and nothing to say',
    come: (port) => [withTls(port, identity(material.good), '')],
  },
  {
    title: 'garbage',
    come: (port) => [plain(port, Buffer.alloc(100_000, 0x80)), plain(port, 'GET / HTTP/1.0\r\n\r\n')],
  },
  { title: 'a handshake that goes no further', come: (port) => [plain(port, Buffer.from('160301', 'hex'))] },
];

/** The donor is held to 1 MB a second, so that everybody comes in the middle of the transfer. */
const slowly = { rlimit: '1m', 'backup-threads': '2' };
const manyMb = 6;

t.test('a transfer goes on undisturbed while strangers come to its port', async (t) => {
  const pair = await waitingPair(t, material, {
    sst: slowly,
    prepare: (_, donor) => donor.file('data/shop/big.ibd', Buffer.alloc(manyMb * 2 ** 20, 'x')),
  });
  const { port } = pair.joiner;
  // Before the donor comes, too.
  const open = strangers.flatMap(({ come }) => come(port));
  const giving = startDonor(pair);
  const locked = lockTables(giving, pair);
  await pair.joining.said(/phase: copying/);
  open.push(...strangers.flatMap(({ come }) => come(port)));
  await locked;
  t.equal(await giving.ended, 0, 'the donor succeeds', { log: giving.stderr });
  t.equal(await pair.joining.ended, 0, 'the joiner succeeds', { log: pair.joining.stderr });
  t.same(pair.joining.errors().concat(giving.errors()), [], 'nobody complains of an error');
  const [sent, received] = [pair.donor, pair.joiner].map(({ dataDir }) =>
    readFileSync(join(dataDir, 'shop/big.ibd')),
  );
  t.ok(received?.equals(sent!), 'every byte is there');
  for (const socket of open) await closed(socket);
  await expectNoProcess(t, pair.joining);
});

t.test('a thousand connections at once during a transfer', async (t) => {
  const pair = await waitingPair(t, material, {
    sst: slowly,
    prepare: (_, donor) => donor.file('data/shop/big.ibd', Buffer.alloc(manyMb * 2 ** 20, 'x')),
  });
  const giving = startDonor(pair);
  await pair.joining.said(/phase: copying/);
  const open = Array.from({ length: 1000 }, () => plain(pair.joiner.port, ''));
  const begun = performance.now();
  await lockTables(giving, pair);
  t.equal(await giving.ended, 0, 'the donor succeeds', { log: giving.stderr });
  t.equal(await pair.joining.ended, 0, 'the joiner succeeds', { log: pair.joining.stderr });
  t.comment(`${((performance.now() - begun) / 1000).toFixed(1)} s from their coming to the end`);
  t.same(pair.joining.errors().concat(giving.errors()), [], 'nobody complains of an error');
  for (const socket of open) socket.destroy();
  for (const socket of open) await closed(socket);
  await expectNoProcess(t, pair.joining);
});

t.test(
  'a hundred holders of a certificate who do not log in while the donor waits for its lock',
  async (t) => {
    const pair = await waitingPair(t, material);
    const giving = startDonor(pair);
    await giving.said(/^flush tables$/);
    const open = Array.from({ length: 100 }, () => withTls(pair.joiner.port, identity(material.good), ''));
    await pair.joining.said(/ended \d+ connections that did not log in/);
    await lockTables(giving, pair);
    t.equal(await giving.ended, 0, 'the donor has its verdict', { log: giving.stderr });
    t.equal(await pair.joining.ended, 0, 'the joiner succeeds', { log: pair.joining.stderr });
    t.same(pair.joining.errors().concat(giving.errors()), [], 'nobody complains of an error');
    for (const socket of open) await closed(socket);
    await expectNoProcess(t, pair.joining);
  },
);

function plain(port: number, bytes: string | Buffer): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  if (bytes.length > 0) socket.write(bytes);
  return socket;
}

function withTls(port: number, own: { cert?: Buffer; key?: Buffer }, text: string): TLSSocket {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...own });
  socket.on('error', () => undefined);
  socket.resume();
  if (text !== '') socket.write(text);
  return socket;
}

/** The joiner ends what is left when its transfer has ended. */
async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await once(socket, 'close').catch(() => undefined);
}
