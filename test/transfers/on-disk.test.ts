import { chmodSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { TransferError } from '../../src/errors.js';
import type { ChildOutcome } from '../../src/events.js';
import { copyOnDisk, planSync, type CopyOnDisk, understandSync } from '../../src/transfers/on-disk.js';
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
    // A bad sector, a path that is gone, a time limit of the block layer.
    ["sync: error syncing '/data': No data available", 'COPY_INCOMPLETE'],
    ["sync: error syncing '/data': Remote I/O error", 'COPY_INCOMPLETE'],
    ["sync: error syncing '/data': Connection timed out", 'COPY_INCOMPLETE'],
    ["sync: error opening '/data': Stale file handle", 'COPY_INCOMPLETE'],
    ['', 'COPY_INCOMPLETE'],
  ] as const) {
    const error = understandSync(failed, [words]);
    t.ok(error instanceof TransferError && error.code === code && error.message.includes(words), words);
  }
  const killed = understandSync({ kind: 'signalled', signal: 'SIGKILL' }, []);
  t.ok(killed instanceof TransferError && killed.code === 'COPY_INCOMPLETE', 'killed, it may have been told');
  t.match(killed, { message: /sync was ended by SIGKILL/ });
  for (const words of ["sync: invalid option -- 'f'", "sync: unrecognized option '--file-system'"])
    t.match(understandSync(failed, [words]), /^sync -f does not work here/, words);
  t.match(understandSync(failed, ["sync: error syncing '/data': Function not implemented"]), /does not work/);
  const mixed = ['/a: Function not implemented', '/b: Input/output error'];
  const worst = understandSync(
    failed,
    mixed.map((text) => `sync: error syncing ${text}`),
  );
  t.ok(worst instanceof TransferError, 'the worse of two counts');
  for (const code of [126, 127])
    t.match(understandSync({ kind: 'exited', code }, ['sh: 1: exec: sync: not found']), /does not work/);
  t.match(understandSync({ kind: 'failed to start', cause: new Error('ENOENT') }, []), /does not work here/);
});

const mebi = 1024 * 1024;

function diskIn(dir: string, onFailure?: () => void): { disk: CopyOnDisk; steps: () => number } {
  const context = recordTransfer();
  const plan = { links: [] } as unknown as JoinerPlan;
  const given = { ...context, layout: layoutOf({ dataDir: `${dir}/data` }), plan };
  const disk = copyOnDisk(onFailure === undefined ? given : { ...given, onFailure });
  return { disk, steps: () => context.events.filter(({ kind }) => kind === 'command').length };
}

t.test('what comes is written along in steps, but for the end, and one after the other', async (t) => {
  const { disk, steps } = diskIn(t.testdir({ data: {} }));
  let received = 0;
  const stop = disk.keepUp(
    () => received,
    () => 1000 * mebi,
  );
  for (const [come, expected] of [
    [191, 0],
    [192, 1],
    [383, 1],
    [384, 2],
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

t.test('of very much there are few steps', async (t) => {
  const { disk, steps } = diskIn(t.testdir({ data: {} }));
  const stop = disk.keepUp(
    () => 624 * mebi,
    () => 10_000 * mebi,
  );
  await setTimeout(500);
  t.equal(steps(), 0, 'less than a sixteenth');
  stop();
});

t.test('what asks while one is at work is not forgotten', async (t) => {
  const { disk, steps } = diskIn(t.testdir({ data: {} }));
  disk.begin();
  disk.begin();
  disk.begin();
  for (let waited = 0; waited < 10_000 && steps() < 2; waited += 50) await setTimeout(50);
  await setTimeout(250);
  t.equal(steps(), 2);
});

t.test('a disk that cannot be written to is told of at once, and later', async (t) => {
  const dir = t.testdir({
    data: {},
    bin: { sync: '#!/bin/sh\necho "sync: Input/output error" >&2\nexit 1\n' },
  });
  chmodSync(`${dir}/bin/sync`, 0o755);
  const path = process.env['PATH'];
  process.env['PATH'] = `${dir}/bin:${path ?? ''}`;
  t.teardown(() => (process.env['PATH'] = path));
  let failures = 0;
  const { disk } = diskIn(dir, () => (failures += 1));
  disk.begin();
  await t.rejects(disk.untilFailed(new AbortController().signal), { code: 'COPY_INCOMPLETE' });
  await t.rejects(disk.settle(), { code: 'COPY_INCOMPLETE' });
  t.equal(failures, 1);
});
