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
import { run } from '../lab/commands.js';

const script = fileURLToPath(new URL('../../../scripts/lab', import.meta.url));

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

t.test('scripts/lab starts, inspects, kills and removes a cluster by hand', async (t) => {
  const lab = (...words: readonly string[]): Promise<string> =>
    run([script, ...words], { timeoutMs: 90_000 });
  const [name = '', root = ''] = (await lab('up', '--method', 'rsync_tunnel')).split(/\s+/);
  t.teardown(() => (labNames().includes(name) ? lab('down', '--lab', name) : undefined));
  const its = (...words: readonly string[]): Promise<string> => lab('--lab', name, ...words);
  t.match(await lab('list'), name);
  const synced = /\nnode1\tSynced\t\d+\t10\.99\.0\.1\t.*\nnode2\tSynced\t\d+\t10\.99\.0\.2\t/;
  t.match(await its('status'), synced);
  t.match(await its('log', '2'), /the copy is complete/, 'the second one joined through the tunnel');
  await its('sql', '1', 'CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY)');
  await its('stop', '2');
  t.match(await its('status'), /\nnode2\tnot running\t-/);
  await its('sql', 'node1', 'INSERT INTO shop.orders VALUES (1), (2)');
  await its('start', '2', '--empty');
  t.equal(await its('sql', '2', 'SELECT COUNT(*) AS n FROM shop.orders'), 'n\n2\n');
  t.equal(await its('compare', '1', '2'), 'same\n');
  await its('sql', '2', 'SET wsrep_on=0; DELETE FROM shop.orders WHERE id = 1');
  await t.rejects(its('compare', '1', '2'), { message: /exit 1/ });
  t.match(await its('exec', '2', 'ip', '-brief', 'addr'), / 10\.99\.0\.2\/24 /);
  await its('kill', '2');
  t.match(await its('status'), /\nnode2\tnot running\t-/);
  await t.rejects(its('sql', '2', 'SELECT 1'), { message: /exit 1/ });
  await t.rejects(its('dance'), { message: /exit 22\n.*there is no command dance/ });
  await its('down');
  t.same(leftovers(name, root), []);
  t.notOk(labNames().includes(name));
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
