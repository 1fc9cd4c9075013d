import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { compareNodes, type LabNode, type OptionGroup } from '../lab/index.js';
import { flaws, mixedCluster, photograph, rows, traces } from './mixed.js';

t.setTimeout(600_000);

const allowed = { 'allow-donor-without-secret': 1 };

t.test('a new joiner takes a full copy and then an IST from an old donor that it may accept', async (t) => {
  const { lab, start } = await mixedCluster(t);
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  await start(donor, 'old', { bootstrap: true });
  await donor.sql(rows);
  await start(joiner, 'new', { data: 'empty', groups: { sst: allowed } });
  t.match(joiner.errorLog(), /SECRET_MISSING|accepted a copy from a donor without the secret/);
  t.notMatch(donor.errorLog(), /--role 'donor'.*--bypass/);
  t.same(await flaws(donor, joiner), []);
  t.same(await traces(lab, joiner), []);
  t.same(await traces(lab, donor, 'old donor'), []);

  await joiner.stop();
  await donor.sql('DELETE FROM shop.orders WHERE id > 500');
  await start(joiner, 'new', { groups: { sst: allowed } });
  t.match(donor.errorLog(), /--role 'donor'.*--bypass/);
  t.same(await flaws(donor, joiner), []);
  t.same(await traces(lab, joiner), []);
  t.same(await traces(lab, donor, 'old donor'), []);
});

t.test('a new joiner refuses an old donor, which can be written to at once', async (t) => {
  const { lab, start, launch } = await mixedCluster(t);
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  await start(donor, 'old', { bootstrap: true });
  await donor.sql(rows);
  await launch(joiner, 'new', { data: 'template' });
  await joiner.waitForLog(/phase: waiting for donor/);
  const before = photograph(joiner.dataDirectory).filter((line) => !/^(sst_in_progress|\.galera)/.test(line));
  await joiner.waitForLog(/\[WARNING\] SECRET_MISSING: .*allow-donor-without-secret=1/);
  await donor.sql("INSERT INTO shop.orders (what) VALUES ('written at once')", { timeoutMs: 5000 });
  // The joiner's server hears of it from the donor's and ends; its script says why.
  await joiner.waitForExit();
  const says = /\[ERROR\] SECRET_MISSING: .*allow-donor-without-secret=1/;
  while (!says.test(joiner.errorLog())) await wait(50);
  t.same(photograph(joiner.dataDirectory), before);
  await donor.waitFor('Synced', 10_000);
  t.same(await traces(lab, joiner), []);
  t.same(await traces(lab, donor, 'old donor'), []);
});

t.test('a new donor gives an old joiner a full copy without its stale tables, and then an IST', async (t) => {
  const { lab, start } = await mixedCluster(t);
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  await start(joiner, 'old', { bootstrap: true });
  await joiner.sql(`CREATE DATABASE gone; CREATE TABLE gone.t (id INT PRIMARY KEY);
    CREATE DATABASE shop; CREATE TABLE shop.stale (id INT PRIMARY KEY) ENGINE=Aria;
    CREATE TABLE shop.orders (other INT PRIMARY KEY); INSERT INTO shop.orders VALUES (1)`);
  await joiner.stop();
  writeFileSync(join(joiner.dataDirectory, 'undo009'), 'stale');
  writeFileSync(join(joiner.dataDirectory, 'aria_log.00000009'), 'stale');
  await start(donor, 'new', { bootstrap: true });
  await donor.sql(rows);
  donor.makeDirectory(join(donor.dataDirectory, 'bare'));
  await start(joiner, 'old');
  t.notMatch(donor.errorLog(), /--role 'donor'.*--bypass/);
  t.notOk(existsSync(join(joiner.dataDirectory, 'gone')), 'a schema that the donor has not is deleted');
  t.same(
    readdirSync(join(joiner.dataDirectory, 'shop')).filter((name) => name.startsWith('stale')),
    [],
    'and so are tables',
  );
  t.same(
    readdirSync(joiner.dataDirectory).filter((name) => name.endsWith('9')),
    [],
    'and files beside the schemas',
  );
  t.ok(existsSync(join(joiner.dataDirectory, 'bare')), 'a schema without files arrives');
  t.same(await flaws(donor, joiner), []);
  t.same(await traces(lab, joiner), []);
  t.same(await traces(lab, donor), []);

  await joiner.stop();
  await donor.sql('DELETE FROM shop.orders WHERE id > 500');
  await start(joiner, 'old');
  t.match(donor.errorLog(), /--role 'donor'.*--bypass/);
  t.same(await flaws(donor, joiner), []);
  t.same(await traces(lab, joiner), []);
  t.same(await traces(lab, donor), []);
});

/** Every kind of file in a directory of its own. */
function apart({ directory, name }: LabNode): OptionGroup {
  return {
    innodb_log_group_home_dir: join(directory, `${name}-log`),
    innodb_data_home_dir: join(directory, `${name}-home`),
    innodb_undo_directory: join(directory, `${name}-undo`),
    aria_log_dir_path: join(directory, `${name}-aria`),
  };
}

const layouts: { title: string; donor: OptionGroup; joiner: (node: LabNode) => OptionGroup; undo: number }[] =
  [
    {
      title: 'an old donor as published, without undo tablespaces',
      donor: { 'original-files': 'as-published' },
      joiner: () => ({}),
      undo: 0,
    },
    {
      title: 'an old donor as published, into directories of their own',
      donor: { 'original-files': 'as-published' },
      joiner: apart,
      undo: 0,
    },
    { title: 'an old donor, into directories of their own', donor: {}, joiner: apart, undo: 3 },
    {
      title: 'an old donor, into directories below the data directory',
      donor: {},
      joiner: () => ({ innodb_log_group_home_dir: 'redo', aria_log_dir_path: './aria' }),
      undo: 0,
    },
  ];

for (const { title, donor: donorSst, joiner: directories, undo } of layouts) {
  t.test(`a new joiner gets a usable copy from ${title}`, async (t) => {
    const { lab, start } = await mixedCluster(t);
    const [donor, joiner] = [lab.node(1), lab.node(2)];
    const common = { innodb_undo_tablespaces: undo };
    await start(donor, 'old', { bootstrap: true, groups: { mysqld: common, sst: donorSst } });
    await donor.sql(rows);
    // The joiner's own older files of every kind must not meet the donor's.
    const mysqld = { ...common, ...directories(joiner) };
    await start(joiner, 'new', { data: 'template', groups: { mysqld, sst: allowed } });
    // Aria tables without their log count as moved: the server repairs them when they are first opened.
    if ('original-files' in donorSst) await compareNodes(donor, joiner);
    t.same(await flaws(donor, joiner), []);
    t.same(await traces(lab, joiner), []);
    t.same(await traces(lab, donor, 'old donor'), []);
    if (directories !== apart) return;
    const misplaced = /^(ibdata|ib_logfile|undo|aria_log)/;
    t.same(
      readdirSync(joiner.dataDirectory).filter((name) => misplaced.test(name)),
      [],
    );
  });
}

t.test('a new donor fills an old joiner, each with directories of its own', async (t) => {
  const { lab, start } = await mixedCluster(t);
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  const common = { innodb_undo_tablespaces: 3 };
  await start(donor, 'new', { bootstrap: true, groups: { mysqld: { ...common, ...apart(donor) } } });
  await donor.sql(rows);
  await start(joiner, 'old', { data: 'empty', groups: { mysqld: { ...common, ...apart(joiner) } } });
  t.same(await flaws(donor, joiner), []);
  t.same(await traces(lab, joiner), []);
  t.same(await traces(lab, donor), []);
});

t.test('three nodes are upgraded one after the other while clients write', async (t) => {
  const { lab, start } = await mixedCluster(t, 3);
  const [first, second, third] = [lab.node(1), lab.node(2), lab.node(3)];
  const donorIs = (node: LabNode): OptionGroup => ({ wsrep_sst_donor: node.name });
  await start(first, 'old', { bootstrap: true });
  await first.sql(rows);
  await first.sql('CREATE TABLE shop.log (client INT, id INT, PRIMARY KEY (client, id)) ENGINE=InnoDB');
  await start(second, 'old', { data: 'empty' });
  await start(third, 'old', { data: 'empty' });
  const clients = writeTo(first, 3);

  await third.stop();
  await start(third, 'new', { data: 'empty', groups: { mysqld: donorIs(first), sst: allowed } });
  t.match(third.errorLog(), /accepted a copy from a donor without the secret/, 'new joiner, old donor: SST');

  await second.stop();
  await start(second, 'old', { data: 'empty', groups: { mysqld: donorIs(third) } });
  t.match(third.errorLog(), /the joiner gave no secret/, 'old joiner, new donor: SST');

  await second.stop();
  await start(second, 'new', { groups: { mysqld: donorIs(first), sst: allowed } });
  t.match(first.errorLog(), /--role 'donor'.*--bypass/, 'new joiner, old donor: IST');

  await clients.moveTo(third);
  await first.stop();
  await start(first, 'new', { data: 'empty', groups: { mysqld: donorIs(second) } });
  t.match(first.errorLog(), /phase: verifying/, 'new joiner, new donor: SST');

  const written = await clients.stop();
  t.ok(written > 0);
  for (const node of lab.nodes) {
    await node.waitFor('Synced');
    const [row] = await node.query('SET SESSION wsrep_sync_wait=1; SELECT COUNT(*) AS c FROM shop.log');
    t.equal(Number(row?.['c']), written, `${node.name} has every row that was acknowledged`);
    t.same(await traces(lab, node), []);
    const failures = node.log.all().match(/^.*WSREP_SST: \[ERROR\].*$/gm);
    t.equal(failures, null, `no transfer has failed on ${node.name}`);
  }
  t.same(await flaws(first, second), []);
  t.same(await flaws(first, third), []);
});

/** Clients that insert one row after the other and change all others now and then; any error is thrown by whoever waits for them. */
function writeTo(
  first: LabNode,
  count: number,
): { moveTo(node: LabNode): Promise<void>; stop(): Promise<number> } {
  let isStopped = false;
  const written = new Array<number>(count).fill(0);
  const write = async (node: LabNode, client: number): Promise<void> => {
    while (!isStopped) {
      const id = (written[client] ?? 0) + 1;
      await node.sql(`INSERT INTO shop.log VALUES (${client}, ${id})`);
      written[client] = id;
      if (id % 20 === 0) await node.sql(`UPDATE shop.orders SET what = CONCAT('order ', id, ' of ', ${id})`);
    }
  };
  const begin = (node: LabNode): Promise<unknown> => {
    const work = Promise.all(written.map((_, client) => write(node, client)));
    work.catch(() => undefined);
    return work;
  };
  let work = begin(first);
  const finish = async (): Promise<void> => {
    isStopped = true;
    await work;
    isStopped = false;
  };
  return {
    moveTo: async (node) => {
      await finish();
      work = begin(node);
    },
    stop: async () => {
      await finish();
      return written.reduce((sum, rows) => sum + rows, 0);
    },
  };
}
