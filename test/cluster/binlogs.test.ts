import t, { type Test } from 'tap';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Lab, type LabNode, type OptionGroup } from '../lab/index.js';
import { untilEven } from '../soak/round.js';
import { Authority } from './credentials.js';
import { boot, joins, tunnelOptions } from './tunnel.js';

const gtids: OptionGroup = { wsrep_gtid_mode: 'ON', wsrep_gtid_domain_id: 77, gtid_domain_id: 5 };

interface ExpectedIndex {
  file: string;
  /** Where the binary logs are. */
  folder: string;
  prefix: string;
  /** How many came from the donor. */
  count: number;
}

interface Case {
  name: string;
  joiner: (node: LabNode) => OptionGroup;
  /** For the donor: `sst-max-binlogs`. */
  maxBinlogs?: number;
  /** The joiner's index after the transfer, from what the donor had. */
  index: (node: LabNode) => ExpectedIndex;
}

const cases: readonly Case[] = [
  {
    name: 'the newest one, beside those of a joiner that names its own otherwise',
    joiner: () => ({ log_bin: 'joiner-bin' }),
    index: (node) => ({
      file: join(node.dataDirectory, 'joiner-bin.index'),
      folder: node.dataDirectory,
      prefix: './',
      count: 1,
    }),
  },
  {
    name: 'the newest three, in a directory of their own with an index elsewhere',
    joiner: (node) => ({
      log_bin: join(node.directory, 'binary logs', 'log'),
      log_bin_index: join(node.directory, 'indexes', 'all.of.them'),
    }),
    maxBinlogs: 3,
    index: (node) => ({
      file: join(node.directory, 'indexes', 'all.of.them'),
      folder: join(node.directory, 'binary logs'),
      prefix: `${join(node.directory, 'binary logs')}/`,
      count: 3,
    }),
  },
  {
    name: 'the newest three, beside those that log-basename names',
    joiner: () => ({ log_bin: true, log_basename: 'base' }),
    index: (node) => ({
      file: join(node.dataDirectory, 'base-bin.index'),
      folder: node.dataDirectory,
      prefix: './',
      count: 3,
    }),
  },
  {
    name: 'none at all',
    joiner: () => ({ log_bin: 'sub/none' }),
    maxBinlogs: 0,
    index: (node) => ({
      file: join(node.dataDirectory, 'sub', 'none.index'),
      folder: join(node.dataDirectory, 'sub'),
      prefix: 'sub/',
      count: 0,
    }),
  },
];

t.setTimeout(300_000);

t.test('binary logs travel, and their position with them', async (t) => {
  const lab = await Lab.create();
  t.teardown(() => lab.destroy());
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  const authority = await Authority.create(lab.directory('certificates'));
  const certificates = {
    donor: await authority.certifyNode(donor),
    joiner: await authority.certifyNode(joiner),
  };
  const donorLogs: OptionGroup = {
    ...gtids,
    log_bin: join(donor.directory, 'donor logs', 'mysql-bin'),
    log_slave_updates: 'ON',
  };
  await boot(donor, tunnelOptions(donor, certificates.donor, { groups: { mysqld: donorLogs } }));
  await donor.sql(`CREATE DATABASE shop; USE shop; CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, what TEXT);
    INSERT INTO orders (what) SELECT CONCAT('order ', seq) FROM seq_1_to_100; FLUSH BINARY LOGS;
    INSERT INTO orders (what) VALUES ('after'); FLUSH BINARY LOGS; INSERT INTO orders (what) VALUES ('more'); FLUSH BINARY LOGS;`);

  for (const { name, joiner: logs, maxBinlogs, index } of cases) {
    await t.test(name, async (t) => {
      await joiner.stop();
      if (maxBinlogs !== undefined) {
        // Read by the script at every transfer, so that the server need not know.
        await donor.stop();
        await donor.start({
          ...tunnelOptions(donor, certificates.donor, {
            groups: { mysqld: donorLogs, sst: { 'sst-max-binlogs': maxBinlogs } },
          }),
          bootstrap: true,
        });
        await donor.waitFor('Synced', 60_000);
      }
      await donor.sql(`INSERT INTO shop.orders (what) VALUES ('another');`);
      // The domain is the cluster's, whatever a node's own option file says.
      const groups = {
        mysqld: { ...gtids, wsrep_gtid_domain_id: 99, log_slave_updates: 'ON', ...logs(joiner) },
      };
      await joins(t, { donor, joiner, start: tunnelOptions(joiner, certificates.joiner, { groups }) });
      await assertBinlogs(t, donor, joiner, index(joiner));
    });
  }

  await t.test('a donor that writes none leaves the joiner with its own new one', async (t) => {
    await donor.stop();
    await joins(t, {
      donor: joiner,
      joiner: donor,
      start: tunnelOptions(donor, certificates.donor, {
        groups: { mysqld: { ...gtids, log_bin: undefined } },
      }),
    });
    await joiner.stop();
    const groups = { mysqld: { ...gtids, log_slave_updates: 'ON', log_bin: 'again' } };
    await joins(t, { donor, joiner, start: tunnelOptions(joiner, certificates.joiner, { groups }) });
    t.same(basenames(await joiner.query('SHOW BINARY LOGS')), ['again.000001']);
  });
});

async function assertBinlogs(
  t: Test,
  donor: LabNode,
  joiner: LabNode,
  { file, folder, prefix, count }: ExpectedIndex,
): Promise<void> {
  const position = 'SELECT @@gtid_binlog_pos AS p, @@wsrep_gtid_domain_id AS d';
  const expected = await donor.query(position);
  t.match(expected, [{ p: /77-\d+-\d+/, d: '77' }]);
  if (count > 0) t.same(await joiner.query(position), expected, 'both nodes have the same GTID position');

  const donors = basenames(await donor.query('SHOW BINARY LOGS'));
  const joiners = basenames(await joiner.query('SHOW BINARY LOGS'));
  const entries = readFileSync(file, 'utf8').trimEnd().split('\n');
  // Beside those that came, the joiner's server begins a file of its own.
  t.equal(joiners.length, count + 1);
  t.same(joiners.slice(0, count), count === 0 ? [] : donors.slice(-count));
  t.notMatch(joiners.at(-1), /^mysql-bin/);
  t.same(
    entries,
    joiners.map((name) => `${prefix}${name}`),
  );
  const present = readdirSync(folder).filter((name) => /^(?!aria_log).*\.\d+$/.test(name));
  t.same(present.toSorted(), joiners.toSorted(), 'there are no other files');
  const marker = `marker ${Math.random()}`;
  await donor.sql(`INSERT INTO shop.orders (what) VALUES ('${marker}');`);
  const after = await donor.query(position);
  // The joiner applies it when it gets to it.
  await untilEven(donor, joiner);
  t.same(await joiner.query(position), after, 'and stay together');
}

function basenames(rows: readonly Record<string, string | null>[]): string[] {
  return rows.map((row) => basename(row['Log_name'] ?? ''));
}
