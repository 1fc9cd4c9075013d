import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { compareNodes, Lab, labCertificates, type LabNode, type OptionGroup } from '../lab/index.js';

const standIn = fileURLToPath(
  new URL('../../../test/lab/original/wsrep_sst_rsync_tunnel_original', import.meta.url),
);

/** Two nodes whose rsync_tunnel is the stand-in; the first runs and holds some rows, the second starts empty. */
async function originals(t: Tap, directories: (node: LabNode) => OptionGroup = () => ({})): Promise<Lab> {
  const lab = await Lab.create();
  t.teardown(() => lab.destroy());
  const bin = lab.directory('bin');
  symlinkSync(standIn, join(bin, 'wsrep_sst_rsync_tunnel'));
  const subjects = lab.nodes.map(({ host, ipv4 }) => ({ name: host, names: [host, ipv4] }));
  const certificates = await labCertificates(lab.directory('certificates'), subjects);
  for (const node of lab.nodes) {
    await node.start({
      path: [bin],
      sstMethod: 'rsync_tunnel',
      certificates: certificates[node.host]!,
      groups: { mysqld: directories(node) },
      ...(node.number === 1 ? { bootstrap: true } : { data: 'empty' }),
    });
    await node.waitFor('Synced', 60_000);
    if (node.number === 1) await node.sql(rows);
  }
  return lab;
}
type Tap = { teardown: (act: () => void) => void };

const rows = `CREATE DATABASE shop;
CREATE TABLE shop.orders (id INT PRIMARY KEY AUTO_INCREMENT, what TEXT) ENGINE=InnoDB;
CREATE TABLE shop.notes (id INT PRIMARY KEY, what TEXT) ENGINE=Aria TRANSACTIONAL=1;
INSERT INTO shop.notes VALUES (1, 'one'), (2, 'two');
INSERT INTO shop.orders (what) SELECT CONCAT('order ', seq) FROM shop.seq_1_to_1000;`;

t.test('the stand-in carries a full copy and then an IST', async (t) => {
  const lab = await originals(t);
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  t.match(donor.errorLog(), /socat TCP4-LISTEN:4444,bind=127\.0\.0\.1/);
  t.notMatch(donor.errorLog(), /--role 'donor'.*--bypass/);
  t.same(await compareNodes(donor, joiner), []);

  await joiner.stop();
  await donor.sql('DELETE FROM shop.orders WHERE id > 500');
  await joiner.start();
  await joiner.waitFor('Synced', 60_000);
  t.match(donor.errorLog(), /--role 'donor'.*--bypass/);
  t.same(await compareNodes(donor, joiner), []);
});

t.test('directories of their own, different on both sides, are filled', async (t) => {
  const lab = await originals(t, ({ directory, name }) => ({
    innodb_log_group_home_dir: join(directory, `${name}-log`),
    innodb_data_home_dir: join(directory, `${name}-home`),
    innodb_undo_directory: join(directory, `${name}-undo`),
    aria_log_dir_path: join(directory, `${name}-aria`),
    innodb_undo_tablespaces: 3,
  }));
  t.same(await compareNodes(lab.node(1), lab.node(2)), []);
});
