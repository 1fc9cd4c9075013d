import t from 'tap';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Lab, seedBulk } from '../lab/index.js';
import { mergeGroups } from '../lab/option-file.js';
import { Authority } from './credentials.js';
import { boot, joins, traces, tunnelOptions } from './tunnel.js';

t.setTimeout(300_000);

const idleSeconds = 6;

t.test('a donor server that is killed in the middle of a transfer', async (t) => {
  const lab = await Lab.create();
  t.teardown(() => lab.destroy());
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  const authority = await Authority.create(lab.directory('certificates'));
  const limit = { sst: { 'sst-idle-timeout': idleSeconds } };
  const donorOptions = tunnelOptions(donor, await authority.certifyNode(donor), { groups: limit });
  await boot(donor, donorOptions);
  await seedBulk(donor, { bytes: 300 * 1024 * 1024 });
  const start = tunnelOptions(joiner, await authority.certifyNode(joiner), { groups: limit });

  await t.test('its script and tunnels end, and the joiner says why within its idle limit', async (t) => {
    // Slow enough to be met in the middle.
    joiner.limitLink(100);
    const groups = mergeGroups({ mysqld: { wsrep_sst_donor: donor.name } }, start.groups);
    await joiner.start({ data: 'empty', ...start, groups });
    await joiner.waitForLog(/\[INFO\] received .*%/);
    t.ok(existsSync(join(joiner.dataDirectory, 'sst_in_progress')));
    const killed = performance.now();
    await donor.kill();
    const error = await joiner.waitForLog(/WSREP_SST: \[ERROR\] .*/, (idleSeconds + 10) * 1000);
    const seconds = (performance.now() - killed) / 1000;
    t.comment(`after ${seconds.toFixed(1)} s: ${error[0]}`);
    t.ok(seconds < idleSeconds + 4, `it took ${seconds.toFixed(1)} s`);
    t.match(
      error[0],
      /(TIMED_OUT|PEER_FAILED|PEER_UNREACHABLE|INTERRUPTED|PARENT_GONE|COPY_INCOMPLETE).*donor.* HINT: /,
    );
    await joiner.waitForExit();
    t.equal(joiner.errorLog().match(/WSREP_SST: \[ERROR\]/g)?.length, 1, 'in one line');
    const left = await traces([donor, joiner]);
    // The sign of a partial copy stays for the next attempt, which takes over what is there.
    t.same(
      left.filter((name) => name !== '.galera-sst-tunnel.partial'),
      [],
      'nothing else is left behind',
    );
    t.notOk(existsSync(join(joiner.dataDirectory, 'sst_in_progress')), 'no sign of progress is left');
  });

  await t.test('both start again, and the copy is made', async (t) => {
    joiner.limitLink(undefined);
    await boot(donor, donorOptions);
    t.notOk(readdirSync(donor.dataDirectory).includes('.galera-sst-tunnel.json'));
    await joins(t, { donor, joiner, start });
  });
});
