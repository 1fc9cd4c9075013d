import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
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

  const undisturbed = async (): Promise<void> => {
    t.strictSame(readdirSync(scratch), [], 'the scratch directory is empty again');
    t.equal(await node.wsrepStatus('local_state_uuid'), before);
    t.equal(await node.wsrepStatus('local_state_comment'), 'Synced');
    await donor.waitFor('Synced', 30_000);
  };

  const logged = donor.errorLog().length;
  const begun = await run('rehearse', '--preflight', '--donor', donor.name);
  t.match(begun, /a transfer would begin: node1 has \d+ files with [\d.]+ MB, at [0-9a-f-]+:\d+/);
  t.match(begun, /nothing was locked, nothing was copied/);
  await undisturbed();
  const meanwhile = donor.errorLog().slice(logged);
  t.match(meanwhile, /the joiner only rehearses: nothing is sent, no lock is taken/);
  t.notMatch(meanwhile, /global read lock|copy stream|\[ERROR\]/);

  // Left to itself Galera would choose the node that rehearses.
  const said = await run('rehearse', '--start-server');
  t.match(
    said,
    /the copy is complete: \d+ files, .* from node1 in [\d.]+ s, [\d.]+ .B\/s, at [0-9a-f-]+:\d+/,
  );
  t.match(said, /the donor's writes waited for [\d.]+ s/);
  t.match(said, /a server \(1\d\.\d+.*\) has started on it and opened all \d+ tables/);
  await undisturbed();

  for (const command of ['rehearse', 'backup'] as const) {
    const target = command === 'backup' ? ['--to', join(scratch, 'never')] : [];
    await t.rejects(
      run(command, '--donor', 'nobody', ...target),
      /exit 32[^]*PEER_UNREACHABLE: [^]*Requested donor is not available/,
      command,
    );
    if (command === 'rehearse') await undisturbed();
  }

  await t.test('what it has copied is removed when it is killed in the middle', async (t) => {
    const argv = ['rehearse', `--defaults-file=${node.optionFile}`, '--scratch', scratch, '--verbose'];
    const child = node.spawn([process.execPath, program, ...argv], { stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (!log.includes('phase: copying') && `${log}${text}`.includes('phase: copying'))
        child.kill('SIGKILL');
      log += text;
    });
    const [code] = (await once(child, 'close')) as [number | null];
    t.equal(code, null, log);
    const deadline = Date.now() + 10_000;
    while (readdirSync(scratch).length > 0 && Date.now() < deadline) await wait(50);
    await undisturbed();
  });

  const kept = join(scratch, 'kept');
  await run('backup', '--donor', donor.name, '--to', kept);
  t.ok(existsSync(join(kept, 'shop', 'orders.ibd')));
  t.ok(readFileSync(join(kept, 'galera-position'), 'utf8').startsWith(before ?? 'none'));
  await donor.waitFor('Synced', 30_000);
  t.strictSame(await traces([donor, node]), []);
});
