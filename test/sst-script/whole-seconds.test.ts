import { chownSync, statSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { hasWholeSeconds, mountFileSystem } from '../cluster/mounted.js';
import { runSync } from '../lab/commands.js';
import { Material } from './material.js';
import { lockTables, startDonor, waitingPair } from './pair.js';
import { withClock } from './preloaded.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(120_000);

for (const leadSeconds of [0, 60]) {
  t.test(
    `a donor whose files have whole seconds of a clock that is ${leadSeconds} s ahead of its own`,
    { skip: process.getuid?.() !== 0 },
    async (t) => {
      const mounted = mountFileSystem('ext3 with times of whole seconds');
      if (mounted === undefined) {
        t.pass('ext3', { skip: 'no program to make it with' });
        return;
      }
      t.teardown(() => mounted.unmount());
      const pair = await waitingPair(t, material);
      const { donor, joining } = pair;
      const data = `${donor.dir}/data`;
      const { uid, gid } = statSync(data);
      runSync(['cp', '-a', '--', `${data}/.`, mounted.folder]);
      chownSync(mounted.folder, uid, gid);
      runSync(['mount', '--bind', mounted.folder, data]);
      t.teardown(() => runSync(['umount', data]));
      t.ok(hasWholeSeconds(data));
      const giving = startDonor(pair, withClock(donor, `${-leadSeconds * 1000}`));
      await giving.said(/^flush tables$/);
      // Early in a second, so that all the looks there would have been fall into it.
      await wait(1050 - (Date.now() % 1000));
      const log = donor.file('data/ib_logfile0', 'written just before the lock');
      await lockTables(giving, pair);
      t.equal(await giving.ended, 0, giving.stderr.join('\n'));
      t.equal(await joining.ended, 0, joining.stderr.join('\n'));
      t.equal(statSync(log).mtimeMs % 1000, 0);
      const said = giving.stderr.join('\n');
      t.match(said, /files have changed under the lock, or may have \(.*ib_logfile0/);
      t.equal(said.match(/or may have/g)?.length, 1, 'what may have changed is sent once more');
      const lockSeconds = Number(/locked for ([\d.]+) s/.exec(said)?.[1]);
      t.ok(lockSeconds < 10, `the lock was held for ${lockSeconds} s`);
    },
  );
}
