import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import {
  capture,
  compareNodes,
  Lab,
  labNames,
  leftovers,
  portsWithData,
  searchCapture,
} from '../lab/index.js';

t.test('a second node joins, holds the same, and the lab leaves nothing behind', async (t) => {
  const lab = await Lab.create();
  t.teardown(() => lab.destroy());
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  await donor.start({ bootstrap: true });
  await donor.waitFor('Synced', 20_000);
  await donor.sql(`CREATE DATABASE shop; USE shop;
    CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, what TEXT, twice INT AS (id * 2) VIRTUAL);
    INSERT INTO orders (what) SELECT CONCAT('order ', seq) FROM seq_1_to_1000;
    CREATE EVENT idle ON SCHEDULE EVERY 1 YEAR DISABLE DO SELECT 1;`);
  const wire = await capture(joiner);
  await joiner.start();
  await joiner.waitFor('Synced', 30_000);
  const file = await wire.stop();

  t.match(joiner.errorLog(), /wsrep_sst_rsync --role 'joiner'/);
  t.same(searchCapture(file, ['order 777', '@RSYNCD:', 'zebra-crossing-0815']), ['order 777', '@RSYNCD:']);
  t.ok((portsWithData(file).get(4444) ?? 0) > 1_000_000, 'the transfer went to port 4444');
  t.same(await compareNodes(donor, joiner), []);
  await donor.sql("SET wsrep_on=0; UPDATE shop.orders SET what = 'changed' WHERE id = 500");
  t.match(await compareNodes(donor, joiner), [/^shop\.orders: /], 'a row that differs is seen');

  t.not(leftovers(lab.name, lab.root).length, 0, 'a running lab is seen');
  lab.destroy();
  t.same(leftovers(lab.name, lab.root), []);
});

const labModule = fileURLToPath(new URL('../lab/index.js', import.meta.url));
const program = `
  import { Lab } from ${JSON.stringify(labModule)};
  const lab = await Lab.create({ nodes: 1 });
  await lab.node(1).start({ bootstrap: true });
  await lab.node(1).waitFor('Synced');
  console.log(JSON.stringify([lab.name, lab.root]));
  setInterval(() => {}, 1000);`;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
  t.test(`a lab whose process gets ${signal} leaves nothing behind`, async (t) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const [name, root] = JSON.parse(line.toString()) as [string, string];
    t.not(leftovers(name, root).length, 0, 'the lab was there');
    child.kill(signal);
    await once(child, 'exit');
    t.equal(child.signalCode, signal);
    if (signal === 'SIGKILL') {
      // Nothing can be done then: the next lab does it.
      const next = await Lab.create({ nodes: 1 });
      next.destroy();
      t.notOk(labNames().includes(name));
    }
    t.same(leftovers(name, root), []);
  });
}
