import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { Lab } from '../lab/index.js';
import { startNodeAgent, throughAgent } from './agents.js';
import { Authority } from './credentials.js';
import { boot, joins, tunnelOptions } from './tunnel.js';

t.setTimeout(300_000);

t.test('one agent serves two servers of its host, donor and joiner at once', async (t) => {
  const lab = await Lab.create({ mode: 'loopback' });
  t.teardown(() => lab.destroy());
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  const authority = await Authority.create(lab.directory('certificates'));
  const agent = await startNodeAgent(t, lab, donor, { name: 'agent' });
  const optionsOf = async (node: typeof donor) => {
    const certificates = await authority.certify(node.name, {
      commonName: node.host,
      ipAddresses: [node.address],
    });
    const address = { bind_address: node.address, wsrep_node_address: node.address };
    const options = tunnelOptions(node, certificates, { groups: { mysqld: address } });
    return { ...options, environment: { ...options.environment, ...throughAgent(agent).environment } };
  };
  await boot(donor, await optionsOf(donor));
  const logs = await joins(t, { donor, joiner, start: await optionsOf(joiner) });
  t.notMatch(logs.donor + logs.joiner, /does the transfer itself/);
  const { transfers } = await agent.client.status();
  t.strictSame(transfers.map(({ role, dataDir, outcome }) => [role, dataDir, outcome?.kind]).sort(), [
    ['donor', donor.dataDirectory, 'copied'],
    ['joiner', joiner.dataDirectory, 'copied'],
  ]);
  t.equal((await agent.client.history()).length, 2);
  // The servers are known, and checked soon after their transfers; the test's time limit is the limit.
  const directories = [donor.dataDirectory, joiner.dataDirectory].sort();
  for (;;) {
    const { checks } = await agent.client.status();
    if (
      checks
        .map(({ dataDir }) => dataDir)
        .sort()
        .join() === directories.join()
    )
      break;
    await setTimeout(100);
  }
});
