import t from 'tap';
import { TransferError } from '../../src/errors.js';
import type { ChildOutcome } from '../../src/events.js';
import { planSync, understandSync } from '../../src/transfers/on-disk.js';
import { layoutOf } from '../datadir/settings.js';

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
