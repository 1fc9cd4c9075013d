import t from 'tap';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { capture, Lab, portsWithData, searchCapture } from '../lab/index.js';
import { Authority } from './credentials.js';
import { boot, joins, tunnelOptions } from './tunnel.js';

t.setTimeout(300_000);

t.test('a node joins with CA-signed certificates and host names', async (t) => {
  const lab = await Lab.create();
  t.teardown(() => lab.destroy());
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  const authority = await Authority.create(lab.directory('certificates'));
  await boot(donor, tunnelOptions(donor, await authority.certifyNode(donor)));
  const start = tunnelOptions(joiner, await authority.certifyNode(joiner));
  await donor.sql(`CREATE DATABASE shop; USE shop;
    CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, what TEXT);
    INSERT INTO orders (what) SELECT CONCAT('clear-text-needle-', seq) FROM seq_1_to_2000;
    CREATE TABLE old (id INT PRIMARY KEY) ENGINE=MyISAM; INSERT INTO old VALUES (1);`);

  await t.test('an SST goes over the wire as TLS to port 4444 alone', async (t) => {
    // The two ports are Galera's own: replication and IST.
    const wire = await capture(donor, { filter: 'tcp and not port 4567 and not port 4568' });
    const logs = await joins(t, { donor, joiner, start });
    const file = await wire.stop();
    t.same([...portsWithData(file).keys()], [4444]);
    t.ok((portsWithData(file).get(4444) ?? 0) > 1_000_000, 'the data went over it');
    t.same(searchCapture(file, ['clear-text-needle-', '@RSYNCD', 'rsync_tunnel_sst']), []);
    t.match(logs.donor, /shows "CN=node2\.my\.cluster/);
  });

  await t.test('an IST hands over the position and copies nothing', async (t) => {
    await joiner.stop();
    await donor.sql(`USE shop; INSERT INTO orders (what) SELECT 'while away' FROM seq_1_to_10;`);
    const logs = await joins(t, { donor, joiner, start, kind: 'IST' });
    t.match(await joiner.query(`SELECT COUNT(*) AS n FROM shop.orders WHERE what = 'while away'`), [
      { n: '10' },
    ]);
    t.match(logs.joiner, /Receiving IST/);
  });

  await t.test('a full copy replaces what a joiner has', async (t) => {
    await joiner.stop();
    await donor.sql(`CREATE DATABASE fresh; CREATE TABLE fresh.t (id INT PRIMARY KEY); INSERT INTO fresh.t VALUES (1);
      DROP DATABASE shop;`);
    await joins(t, { donor, joiner, start: { ...start, data: 'template' } });
    t.notOk(existsSync(join(joiner.dataDirectory, 'shop')));
    t.ok(readdirSync(joiner.dataDirectory).includes('fresh'));
  });
});
