import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { TransferError } from '../../src/errors.js';
import type { ChildOutcome } from '../../src/events.js';
import { copyOnDisk, planSync, understandSync } from '../../src/transfers/on-disk.js';
import type { JoinerPlan } from '../../src/plan/joiner.js';
import { layoutOf } from '../datadir/settings.js';
import { recordTransfer } from './context.js';

t.test('the file systems of all places and links are written, and none twice by name', async (t) => {
  const dir = t.testdir({ data: {}, log: {}, elsewhere: {} });
  const layout = layoutOf({ dataDir: `${dir}/data` });
  const roots = { ...layout.roots, 'innodb-log': `${dir}/log`, undo: `${dir}/not made` };
  const links = [{ name: 'shop', target: `${dir}/elsewhere`, module: 'm' }];
  t.strictSame(planSync({ ...layout, roots }, { links }), {
    name: 'sync',
    program: 'sync',
    args: ['-f', '--', layout.roots.data, `${dir}/log`, `${dir}/elsewhere`],
  });
});

const failed: ChildOutcome = { kind: 'exited', code: 1 };

t.test('what sync says', async (t) => {
  t.equal(understandSync({ kind: 'exited', code: 0 }, []), undefined);
  for (const [words, code] of [
    ["sync: error syncing '/data': Input/output error", 'COPY_INCOMPLETE'],
    ["sync: error syncing '/data': No space left on device", 'DISK_FULL'],
    ["sync: error syncing '/data': Disk quota exceeded", 'DISK_FULL'],
  ] as const) {
    const error = understandSync(failed, [words]);
    t.ok(error instanceof TransferError && error.code === code && error.message.includes(words), words);
  }
  t.match(understandSync(failed, ["sync: invalid option -- 'f'"]), /^sync -f does not work here/);
  t.match(understandSync({ kind: 'failed to start', cause: new Error('ENOENT') }, []), /does not work here/);
});

t.test('what comes is written along in steps, but for the end, and one after the other', async (t) => {
  const dir = t.testdir({ data: {} });
  const context = recordTransfer();
  const plan = { links: [] } as unknown as JoinerPlan;
  const disk = copyOnDisk({ ...context, layout: layoutOf({ dataDir: `${dir}/data` }), plan });
  const steps = (): number => context.events.filter(({ kind }) => kind === 'command').length;
  const mebi = 1024 * 1024;
  let received = 0;
  const stop = disk.keepUp(
    () => received,
    () => 1000 * mebi,
  );
  for (const [come, expected] of [
    [191, 0],
    [192, 1],
    [383, 1],
    [850, 2],
    [851, 2],
    [1000, 2],
  ] as const) {
    received = come * mebi;
    for (let waited = 0; waited < 10_000 && steps() < expected; waited += 50) await setTimeout(50);
    await setTimeout(250);
    t.equal(steps(), expected, `${come} MiB`);
  }
  stop();
  await disk.settle();
  t.equal(steps(), 3, 'all of it at the end');
});
