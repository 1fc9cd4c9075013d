import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { fileURLToPath } from 'node:url';
import { Lab } from '../lab/index.js';
import { Authority } from './credentials.js';
import { boot, joins, traces, tunnelOptions } from './tunnel.js';

t.setTimeout(300_000);

const program = fileURLToPath(new URL('../../../dist/bin/galera-sst-tunnel.js', import.meta.url));

t.test('a rehearsal makes a real copy and leaves the node as it was', async (t) => {
  const lab = await Lab.create({ nodes: 2 });
  t.teardown(() => lab.destroy());
  const [donor, node] = [lab.node(1), lab.node(2)];
  const authority = await Authority.create(lab.directory('certificates'));
  await boot(donor, tunnelOptions(donor, await authority.certifyNode(donor)));
  await donor.sql(
    'CREATE DATABASE shop; USE shop; CREATE TABLE orders AS SELECT seq AS id FROM seq_1_to_1000;',
  );
  const start = tunnelOptions(node, await authority.certifyNode(node));
  await joins(t, { donor, joiner: node, start });
  const before = await node.wsrepStatus('local_state_uuid');
  const scratch = lab.directory('scratch');
  const run = (...args: string[]): Promise<string> =>
    node.exec(
      [process.execPath, program, ...args, `--defaults-file=${node.optionFile}`, '--scratch', scratch],
      {
        timeoutMs: 60_000,
      },
    );

  const said = await run('rehearse', '--donor', donor.name);
  t.match(said, /the copy is complete: \d+ files, .* in [\d.]+ s/);
  t.strictSame(readdirSync(scratch), []);
  t.equal(await node.wsrepStatus('local_state_uuid'), before);
  t.equal(await node.wsrepStatus('local_state_comment'), 'Synced');
  await donor.waitFor('Synced', 30_000);

  const kept = join(scratch, 'kept');
  await run('backup', '--donor', donor.name, '--to', kept);
  t.ok(existsSync(join(kept, 'shop', 'orders.ibd')));
  t.ok(readFileSync(join(kept, 'galera-position'), 'utf8').startsWith(before ?? 'none'));
  await donor.waitFor('Synced', 30_000);
  t.strictSame(await traces([donor, node]), []);
});
