import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { marginMs } from '../../src/datadir/changes.js';
import { Material } from './material.js';
import { lockTables, startDonor, waitingPair } from './pair.js';
import { withClock } from './preloaded.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(120_000);
t.jobs = 4;

for (const [seconds, when] of [
  [0, 'while files are sent'],
  [60, 'while files are sent'],
  [-60, 'while files are sent'],
  [-60, 'before the lock is there'],
] as const) {
  t.test(`a donor's clock that leaps by ${seconds} s ${when}`, async (t) => {
    const pair = await waitingPair(t, material, { sst: { precopy: '1', verify: 'checksum' } });
    const { donor, joining } = pair;
    donor.file('data/shop/orders.ibd', randomBytes(300_000));
    await wait(marginMs + 500);
    const mark = `${donor.directory('leap')}/mark`;
    const leap = `require('node:fs').existsSync('${mark}') ? ${seconds * 1000} : 0`;
    const run = withClock(donor, leap);
    const word = when === 'while files are sent' ? '--files-from' : '--no-such-option';
    const sends = `case " $* " in *${word}*) touch '${mark}';; esac`;
    donor.file('bin/rsync', `#!/bin/sh\n${sends}\nexec /usr/bin/rsync "$@"\n`, 0o755);
    const giving = startDonor(pair, run);
    await giving.said(/^flush tables$/);
    donor.file('leap/mark', '');
    await lockTables(giving, pair);
    t.equal(await giving.ended, 0, giving.stderr.join('\n'));
    t.equal(await joining.ended, 0, joining.stderr.join('\n'));
    const log = giving.stderr.join('\n');
    t.match(log, /pass 1, while the server writes: sent 1 files, 300000 bytes/);
    t.equal(/clock has leapt/.test(log), seconds !== 0);
    const left = /under the lock (\d+) files/.exec(log)?.[1];
    t.equal(left, seconds === 0 ? '2' : '3', 'what is sent under the lock');
  });
}
