import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { Lab, type LabNode } from '../lab/index.js';
import { Authority } from './credentials.js';
import { boot, joins, tunnelOptions } from './tunnel.js';

t.setTimeout(240_000);

const started = /WSREP_SST: \[INFO\] page cache: \S*node --no-warnings \S+drop-received\.js \d+ /;

const tableOf = (node: LabNode): string => join(node.dataDirectory, 'shop', 'orders.ibd');

/** The share of the table's file that is in the page cache. */
function cachedShare(node: LabNode): number {
  const args = ['--bytes', '--noheadings', '--output', 'RES,SIZE', tableOf(node)];
  const out = execFileSync('fincore', args, { encoding: 'utf8' });
  const [cached, size] = out.trim().split(/ +/).map(Number);
  return (cached ?? NaN) / (size ?? NaN);
}

t.test('what a joiner receives leaves its page cache, unless it is to stay', async (t) => {
  const lab = await Lab.create();
  t.teardown(() => lab.destroy());
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  const authority = await Authority.create(lab.directory('certificates'));
  await boot(donor, tunnelOptions(donor, await authority.certifyNode(donor), {}));
  await donor.sql(
    `SET SESSION wsrep_on = OFF; CREATE DATABASE shop;
     CREATE TABLE shop.orders (id INT PRIMARY KEY, text VARBINARY(8000)) ENGINE=InnoDB;
     INSERT INTO shop.orders SELECT seq, REPEAT(RANDOM_BYTES(1000), 7) FROM shop.seq_1_to_24000;
     SET GLOBAL innodb_max_dirty_pages_pct = 0; SET GLOBAL innodb_max_dirty_pages_pct_lwm = 0;`,
    { timeoutMs: 120_000 },
  );
  // Until then it counts as written to.
  const quietMs = (): number => Date.now() - statSync(tableOf(donor)).mtimeMs;
  while (quietMs() < 10_500) await pause(100);
  const certificates = await authority.certifyNode(joiner);
  const dropped = await joins(t, { donor, joiner, start: tunnelOptions(joiner, certificates) });
  t.match(dropped.joiner, started, 'the command is logged');
  t.ok(cachedShare(joiner) < 0.5, `${(100 * cachedShare(joiner)).toFixed(0)} % are in the page cache`);
  await joiner.stop();

  const groups = { sst: { 'page-cache': 'keep' } };
  const kept = await joins(t, { donor, joiner, start: tunnelOptions(joiner, certificates, { groups }) });
  t.notMatch(kept.joiner, started);
  t.ok(cachedShare(joiner) > 0.9, `${(100 * cachedShare(joiner)).toFixed(0)} % are in the page cache`);
});
