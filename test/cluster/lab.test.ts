import t from 'tap';
import { compareNodes, Lab, leftovers } from '../lab/index.js';

t.test('a second node joins, holds the same, and the lab leaves nothing behind', async (t) => {
  const lab = await Lab.create();
  t.teardown(() => lab.destroy());
  await lab.node(1).start({ bootstrap: true });
  await lab.node(1).waitFor('Synced', 20_000);
  await lab.node(1)
    .sql(`CREATE DATABASE shop; USE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY AUTO_INCREMENT, what TEXT);
    INSERT INTO shop.orders (what) SELECT CONCAT('order ', seq) FROM seq_1_to_1000;`);
  await lab.node(2).start();
  await lab.node(2).waitFor('Synced', 30_000);

  t.match(lab.node(2).errorLog(), /wsrep_sst_rsync --role 'joiner'/);
  t.match(await lab.node(2).query('SELECT COUNT(*) AS n FROM shop.orders'), [{ n: '1000' }]);
  t.same(await compareNodes(lab.node(1), lab.node(2)), []);
  await lab.node(2).sql('DELETE FROM shop.orders WHERE id > 500');
  t.same(await compareNodes(lab.node(1), lab.node(2)), []);

  t.not(leftovers(lab.name, lab.root).length, 0, 'a running lab is seen');
  lab.destroy();
  t.same(leftovers(lab.name, lab.root), []);
});
