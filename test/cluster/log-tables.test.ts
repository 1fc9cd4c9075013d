import t from 'tap';
import { Lab } from '../lab/index.js';
import { Authority } from './credentials.js';
import { boot, joins, tunnelOptions } from './tunnel.js';

t.setTimeout(300_000);

const logging = { log_output: 'TABLE', general_log: 'ON', slow_query_log: 'ON', long_query_time: '0' };

t.test('a donor whose server logs into tables does so under its lock, too', async (t) => {
  const lab = await Lab.create();
  t.teardown(() => lab.destroy());
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  const authority = await Authority.create(lab.directory('certificates'));
  await boot(
    donor,
    tunnelOptions(donor, await authority.certifyNode(donor), { groups: { mysqld: logging } }),
  );
  await donor.sql('CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY) ENGINE=InnoDB');
  await donor.sql('INSERT INTO shop.t SELECT seq FROM seq_1_to_1000', { database: 'shop' });

  let isOver = false;
  const read = async (): Promise<void> => {
    while (!isOver) await donor.sql('SELECT COUNT(*) FROM shop.t; DO SLEEP(0.005);'.repeat(50));
  };
  // What is wrong is said by the join.
  const readers = Promise.allSettled([read(), read()]);
  const groups = { mysqld: logging, sst: { verify: 'checksum' } };
  const start = tunnelOptions(joiner, await authority.certifyNode(joiner), { groups });
  // The server closes these tables as it takes its lock, and opens them again: their copy is one of open tables, which it repairs by itself.
  const warnings = [/'general_log' is marked as crashed/, /'slow_log' is marked as crashed/];
  const logs = await joins(t, { donor, joiner, start, warnings }).finally(() => (isOver = true));
  await readers;
  t.notMatch(logs.donor, /changed under the lock.*_log/, 'they are sent once');
  const copied = "SELECT COUNT(*) AS n FROM mysql.general_log WHERE argument LIKE '%FROM shop.t'";
  const [row] = await joiner.query(copied);
  t.ok(Number(row?.['n']) > 10, 'what was logged came along');
});
