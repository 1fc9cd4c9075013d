import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { TransferError } from '../../src/errors.js';
import type { ChildOutcome } from '../../src/events.js';
import { findMarked } from '../../src/processes/proc.js';
import { disksOf, planSync, understandSync } from '../../src/transfers/on-disk.js';
import { layoutOf } from '../datadir/settings.js';
import { recordTransfer } from './context.js';

t.test('the file systems of all places and links are written, and none twice by name', async (t) => {
  const dir = t.testdir({ data: {}, log: {}, elsewhere: {} });
  const layout = layoutOf({ dataDir: `${dir}/data` });
  const roots = { ...layout.roots, 'innodb-log': `${dir}/log`, undo: `${dir}/not made` };
  const links = [{ name: 'shop', target: `${dir}/elsewhere`, module: 'm' }];
  const { args } = planSync({ ...layout, roots }, { links });
  t.strictSame(args.slice(2), ['sh', layout.roots.data, `${dir}/log`, `${dir}/elsewhere`]);
});

t.test('without anything written ahead the end writes all, and nothing of it stays', async (t) => {
  const dir = t.testdir({ data: {} });
  const context = recordTransfer(undefined, { id: `on-disk-${process.pid}` });
  const disks = disksOf({ layout: layoutOf({ dataDir: `${dir}/data` }), plan: { links: [] } }, context);
  await disks.settle();
  t.match(context.events.at(-1), { kind: 'notice', text: /^the copy is on disk \(\d+\.\d s\)$/ });
  t.strictSame(findMarked(context.id), []);
});

t.test('what writes ahead is ended with the transfer', async (t) => {
  const dir = t.testdir({ data: {} });
  const over = new AbortController();
  const context = recordTransfer(undefined, { id: `on-disk-ahead-${process.pid}`, signal: over.signal });
  const disks = disksOf({ layout: layoutOf({ dataDir: `${dir}/data` }), plan: { links: [] } }, context);
  const enough = new AbortController();
  const writing = disks.writeAhead(enough.signal);
  t.not(findMarked(context.id).length, 0, 'it is there');
  enough.abort(new Error('the last message has come'));
  await t.rejects(writing, { message: 'the last message has come' });
  t.not(findMarked(context.id).length, 0, 'for the end');
  over.abort(new Error('the transfer is over'));
  while (findMarked(context.id).length > 0) await wait(10);
  t.pass('it is gone');
});

t.test('what has written ahead and was killed is started anew for the end', async (t) => {
  const dir = t.testdir({ data: {} });
  const over = new AbortController();
  const context = recordTransfer(undefined, { id: `on-disk-killed-${process.pid}`, signal: over.signal });
  const disks = disksOf({ layout: layoutOf({ dataDir: `${dir}/data` }), plan: { links: [] } }, context);
  const writing = disks.writeAhead(over.signal);
  writing.catch(() => undefined);
  for (const pid of findMarked(context.id)) process.kill(pid, 'SIGKILL');
  while (!context.events.some(({ kind }) => kind === 'child ended')) await wait(10);
  await disks.settle();
  t.match(context.events.at(-1), { kind: 'notice', text: /^the copy is on disk / });
  over.abort(new Error('the transfer is over'));
});

t.test('with a transfer that is over nothing is written any more', async (t) => {
  const dir = t.testdir({ data: {} });
  const context = recordTransfer(undefined, { id: `on-disk-over-${process.pid}` });
  const disks = disksOf({ layout: layoutOf({ dataDir: `${dir}/data` }), plan: { links: [] } }, context);
  await t.rejects(disks.writeAhead(AbortSignal.abort(new Error('over'))), { message: 'over' });
  await disks.settle();
  // A timer that was left would keep this process.
  t.strictSame(
    process.getActiveResourcesInfo().filter((name) => name === 'Timeout'),
    [],
  );
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
