import { createServer } from 'node:net';
import t, { type Test } from 'tap';
import { BareNode, type ScriptRun } from './bare-node.js';
import { expectFailure } from './failing.js';
import { Material } from './material.js';
import { lockTables, startDonor, waitingPair, type Pair } from './pair.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(180_000);
t.jobs = 2;

t.test('a donor gives up on a joiner that accepts and says nothing', { buffered: true }, async (t) => {
  const node = await BareNode.create();
  t.teardown(() => node.destroy());
  node.configure(material.groups(undefined, { 'sst-connect-timeout': '1' }));
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.resume();
  });
  t.teardown(() => server.close());
  await new Promise<void>((resolve) => server.listen(node.port, '127.0.0.1', resolve));
  await expectFailure(t, node.start('donor'), node, {
    code: 'TIMED_OUT',
    says: [`127.0.0.1:${node.port} did not finish the TLS handshake within 1 s`],
  });
});

/** A transfer at a rate at which it takes a while. */
async function slowPair(
  t: Test,
  bytes: number,
  sst: {
    readonly joiner: Readonly<Record<string, string>>;
    readonly donor: Readonly<Record<string, string>>;
  },
): Promise<{ readonly pair: Pair; readonly giving: ScriptRun }> {
  const pair = await waitingPair(t, material, {
    prepare: (joiner, donor) => {
      donor.file('data/shop/big.ibd', Buffer.alloc(bytes, 'b'));
      joiner.configure(material.groups(undefined, sst.joiner));
      donor.configure(material.groups(undefined, sst.donor));
    },
  });
  const giving = startDonor(pair);
  await lockTables(giving, pair);
  return { pair, giving };
}

const overall = { 'sst-overall-timeout': '8' };
const ends = [
  ['donor', 'joiner', { joiner: {}, donor: { rlimit: '100k', ...overall } }],
  ['joiner', 'donor', { joiner: overall, donor: { rlimit: '100k' } }],
] as const;
for (const [limited, other, sst] of ends) {
  t.test(`sst-overall-timeout of the ${limited} ends a transfer`, { buffered: true }, async (t) => {
    const { pair, giving } = await slowPair(t, 4_000_000, sst);
    const runs = { joiner: pair.joining, donor: giving };
    await expectFailure(t, runs[limited], pair[limited], {
      code: 'TIMED_OUT',
      says: ['has not ended within 8 s'],
      option: 'sst-overall-timeout',
    });
    await expectFailure(t, runs[other], pair[other], {
      code: 'PEER_FAILED',
      says: [`the ${limited} failed with TIMED_OUT`],
    });
  });
}

t.test(
  'sst-idle-timeout does not end a slow transfer whose bytes keep coming',
  { buffered: true },
  async (t) => {
    const idle = { 'sst-idle-timeout': '4' };
    const startedMs = performance.now();
    const { pair, giving } = await slowPair(t, 500_000, { joiner: idle, donor: { rlimit: '30k', ...idle } });
    t.equal(await giving.ended, 0, 'the donor sends its copy', { found: giving.errors() });
    t.equal(await pair.joining.ended, 0, 'the joiner has it', { found: pair.joining.errors() });
    t.ok(performance.now() - startedMs > 8000, 'which takes more than twice the limit');
  },
);
