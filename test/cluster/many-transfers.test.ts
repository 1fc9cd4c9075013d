import t from 'tap';
import { Lab, compareNodes } from '../lab/index.js';
import { Authority } from './credentials.js';
import { boot, complaints, joins, traces, tunnelOptions } from './tunnel.js';

t.setTimeout(500_000);

t.test('twenty ISTs in a row', async (t) => {
  const lab = await Lab.create();
  t.teardown(() => lab.destroy());
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  const authority = await Authority.create(lab.directory('certificates'));
  await boot(donor, tunnelOptions(donor, await authority.certifyNode(donor)));
  await donor.sql(
    'CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY AUTO_INCREMENT, what TEXT);',
  );
  const start = tunnelOptions(joiner, await authority.certifyNode(joiner));
  await joins(t, { donor, joiner, start });
  const logged = donor.errorLog().length;
  for (let round = 1; round <= 20; round++) {
    await joiner.stop();
    await donor.sql(`INSERT INTO shop.orders (what) VALUES ('round ${round}')`);
    await joiner.start(start);
    await joiner.waitFor('Synced', 60_000);
    t.same(complaints(joiner.errorLog()), [], `round ${round}`);
  }
  const log = donor.errorLog().slice(logged);
  t.equal(log.match(/no state snapshot needed/g)?.length, 20, 'all of them were ISTs');
  t.same(complaints(log), []);
  t.same(await compareNodes(donor, joiner), []);
  t.same(await traces([donor, joiner]), [], 'nothing is left behind');
});

t.test('a third node that asks for a copy while the only donor serves the second', async (t) => {
  const lab = await Lab.create({ nodes: 3 });
  t.teardown(() => lab.destroy());
  const [donor, second, third] = [lab.node(1), lab.node(2), lab.node(3)];
  const authority = await Authority.create(lab.directory('certificates'));
  await boot(donor, tunnelOptions(donor, await authority.certifyNode(donor)));
  await donor.sql(`CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY AUTO_INCREMENT, what TEXT);
    INSERT INTO shop.orders (what) SELECT REPEAT(MD5(seq), 1000) FROM shop.seq_1_to_3000;`);
  const startOf = async (node: typeof donor): Promise<ReturnType<typeof tunnelOptions>> => ({
    ...tunnelOptions(node, await authority.certifyNode(node), {
      groups: { mysqld: { wsrep_sst_donor: donor.name } },
    }),
    data: 'empty',
  });
  const [starts, thirds] = [await startOf(second), await startOf(third)];
  second.limitLink(200);
  await second.start(starts);
  await second.waitForLog(/WSREP_SST: \[INFO\] phase: copying/);
  await third.start(thirds);
  // Galera lets a node wait and ask again until a donor is free: its script has said `ready` and stays.
  await third.waitForLog(/phase: waiting for donor/);
  second.limitLink(undefined);
  await second.waitFor('Synced', 120_000);
  await third.waitFor('Synced', 120_000);
  await donor.waitFor('Synced', 60_000);
  t.same(await compareNodes(donor, second), []);
  t.same(await compareNodes(donor, third), []);
  for (const node of lab.nodes)
    t.same(
      complaints(node.errorLog()).filter((line) => line.includes('WSREP_SST')),
      [],
    );
  t.same(await traces(lab.nodes), [], 'nothing is left behind');
});
