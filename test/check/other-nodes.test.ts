import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { findOtherNodes, ownNodeName } from '../../src/check/other-nodes.js';
import { settingsOf, type Options } from '../config/given.js';

/** Looks around in a cluster whose arbitrator hears of these members, and then waits to be ended. */
async function lookAround(
  t: Test,
  { members, isUp = true, mysqld = {} }: { members: readonly string[]; isUp?: boolean; mysqld?: Options },
): Promise<{ others: readonly string[] | undefined; config: string }> {
  const dir = t.testdir();
  const bin = join(dir, 'bin');
  mkdirSync(bin);
  const heard = members.map(
    (name, index) => `1 INFO: STATE EXCHANGE: got state msg: x from ${index} (${name})`,
  );
  const script = [...heard, '1 INFO: Quorum results:'].map((line) => `echo '${line}' >&2`).join('\n');
  writeFileSync(join(bin, 'garbd'), `#!/bin/sh\ncat "$2" > ${dir}/asked\n${script}\nexec sleep 600\n`);
  chmodSync(join(bin, 'garbd'), 0o755);
  const before = process.env['PATH'];
  process.env['PATH'] = `${bin}:${before ?? ''}`;
  t.teardown(() => (process.env['PATH'] = before));
  const galera = createServer();
  await new Promise<void>((resolve) => galera.listen(0, '127.0.0.1', resolve));
  const { port } = galera.address() as AddressInfo;
  if (!isUp) await new Promise((resolve) => galera.close(resolve));
  t.teardown(() => galera.close());
  const provider = `gcache.size=1M; gmcast.listen_addr=tcp://127.0.0.1:${port}`;
  const settings = settingsOf({ mysqld: { wsrep_provider_options: provider, ...mysqld } });
  const group = { address: 'gcomm://node1', name: 'shop', options: '' };
  const signal = new AbortController().signal;
  const supervision = { transferId: 'x', emit: () => undefined, signal };
  const others = await findOtherNodes(group, settings, dir, supervision);
  return { others, config: others === undefined ? '' : readFileSync(join(dir, 'asked'), 'utf8') };
}

const named = { wsrep_node_name: 'node2' };

t.test('the other nodes, without this one and the arbitrator', async (t) => {
  const { others, config } = await lookAround(t, {
    members: ['node1', 'node2', 'rehearsal', 'node3'],
    mysqld: named,
  });
  t.strictSame(others, ['node1', 'node3']);
  t.notMatch(config, 'sst', 'no transfer was asked for');
});

t.test('a node that is alone, or whose server is down, leaves the choice to Galera', async (t) => {
  t.equal((await lookAround(t, { members: ['node2', 'rehearsal'], mysqld: named })).others, undefined);
  t.equal((await lookAround(t, { members: ['node1'], isUp: false })).others, undefined);
});

t.test('a node has the name that it was given, or that of its host', async (t) => {
  t.equal(ownNodeName(settingsOf({ mysqld: named })), 'node2');
  t.equal(ownNodeName(settingsOf({})), hostname());
});
