import t from 'tap';
import { join } from 'node:path';
import { Lab } from '../lab/index.js';
import { Authority, selfSignedPairs } from './credentials.js';
import { boot, joins, tunnelOptions } from './tunnel.js';

t.setTimeout(300_000);

const seed = `CREATE DATABASE shop; USE shop; CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, what TEXT);
  INSERT INTO orders (what) SELECT CONCAT('order ', seq) FROM seq_1_to_1000;`;

t.test('self-signed certificates, two joins in a row, and a joiner that becomes a donor', async (t) => {
  const lab = await Lab.create({ nodes: 3 });
  t.teardown(() => lab.destroy());
  const [first, second, third] = [lab.node(1), lab.node(2), lab.node(3)];
  const pairs = await selfSignedPairs(
    lab.directory('certificates'),
    lab.nodes.map((node) => node.host),
  );
  const options = lab.nodes.map((node, index) => tunnelOptions(node, pairs[index]!));
  await boot(first, options[0]!);
  await first.sql(seed);

  await t.test('one CA file holds all of them', async (t) => {
    await joins(t, { donor: first, joiner: second, start: options[1]! });
  });
  await t.test('the same donor serves a third node', async (t) => {
    await joins(t, { donor: first, joiner: third, start: options[2]! });
  });
  await t.test('a node that joined serves the next one', async (t) => {
    await third.stop();
    await first.sql(`INSERT INTO shop.orders (what) VALUES ('meanwhile');`);
    await joins(t, { donor: second, joiner: third, start: options[2]! });
  });
});

t.test('verification turned off and addresses instead of names', async (t) => {
  const lab = await Lab.create();
  t.teardown(() => lab.destroy());
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  const folder = lab.directory('certificates');
  const authority = await Authority.create(folder);
  const stranger = await Authority.create(join(folder, 'strangers'));
  const own = await authority.certify('donor', { commonName: donor.host, ipAddresses: [donor.ipv4] });
  const off = { sst: { sockopt: 'verify=0' } };
  await boot(donor, tunnelOptions(donor, own, { groups: off }));
  await donor.sql(seed);

  await t.test('sockopt=verify=0 works with any certificate, and warns', async (t) => {
    const start = tunnelOptions(joiner, await stranger.certify('joiner', { commonName: 'somebody' }), {
      groups: off,
    });
    const warnings = [/\[WARNING\] VERIFICATION_OFF: peers are not verified \(sockopt=verify=0\)/];
    const logs = await joins(t, { donor, joiner, start, warnings });
    for (const log of Object.values(logs)) t.match(log, warnings[0]);
  });

  await t.test('an IP address as bind_address is held against the certificate', async (t) => {
    await joiner.stop();
    await donor.stop();
    await boot(donor, tunnelOptions(donor, own));
    const certificates = await authority.certify('by-address', {
      commonName: 'any.name',
      ipAddresses: [joiner.ipv4],
    });
    const groups = { mysqld: { bind_address: joiner.ipv4, wsrep_node_address: joiner.ipv4 } };
    await joins(t, { donor, joiner, start: tunnelOptions(joiner, certificates, { groups }) });
  });
});
