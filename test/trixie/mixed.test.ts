import { join } from 'node:path';
import t from 'tap';
import { compareNodes, Lab, labCertificates, seedBulk, type LabNode } from '../lab/index.js';

// A cluster of two Debians, as it is in the middle of an upgrade: node 1 with this machine's server and tools, node 2
// with those of the Debian 13 that scripts/trixie made.

const systemRoot = join(process.env['GST_TRIXIE'] ?? '/var/cache/galera-sst-tunnel/trixie', 'servers');
t.setTimeout(400_000);

t.test('a Debian 13 joins a Debian 12, and serves one', async (t) => {
  const lab = await Lab.create();
  t.teardown(() => lab.destroy());
  const [old, young] = [lab.node(1), lab.node(2)];
  const certificates = await labCertificates(
    join(lab.root, 'certs'),
    [old, young].map(({ name, host }) => ({ name, commonName: host, names: [host] })),
  );
  const optionsOf = (node: LabNode) => ({
    sstMethod: 'rsync_tunnel',
    certificates: certificates[node.name]!,
    groups: { mysqld: { wsrep_node_address: node.host, bind_address: node.host } },
  });
  await old.start({ ...optionsOf(old), bootstrap: true });
  await old.waitFor();
  await seedBulk(old, { bytes: 40e6 });
  await young.start({ ...optionsOf(young), systemRoot });
  await young.waitFor();
  t.match((await young.query('SELECT VERSION() AS v'))[0]?.['v'], /deb13/, 'node 2 is a Debian 13');
  t.match((await old.query('SELECT VERSION() AS v'))[0]?.['v'], /deb12/, 'node 1 is a Debian 12');
  t.strictSame(await compareNodes(old, young), [], 'the newer one joins the older one');
  await old.stop();
  await old.start({ data: 'empty' });
  const joins = await old.waitFor('Synced', 60_000).then(
    () => true,
    () => false,
  );
  t.match(old.errorLog(), /the copy is complete/, 'the transfer from the newer to the older one is complete');
  if (joins) t.strictSame(await compareNodes(old, young), [], 'and both hold the same');
  else
    t.comment(
      old
        .errorLog()
        .split('\n')
        .filter((line) => /ERROR/.test(line))
        .slice(0, 5)
        .join('\n'),
    );
});
