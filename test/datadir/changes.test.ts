import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import {
  changedUnderLock,
  keyOf,
  logTablesWritten,
  marginMs,
  mayDiffer,
  showsChanges,
} from '../../src/datadir/changes.js';
import { FileTable } from '../../src/datadir/file-table.js';
import type { Place } from '../../src/datadir/layout.js';
import { fileSystemTime } from '../../src/datadir/file-system-time.js';
import { takeInventory, type Inventory, type InventoryFile } from '../../src/datadir/inventory.js';
import { layoutOf } from './settings.js';

const long = 60_000;

t.test('of files that server and kernel write with system calls, times tell of changes', async (t) => {
  const cases: readonly [string, boolean][] = [
    ['shop/orders.ibd', true],
    ['shop/orders#P#p0.ibd', true],
    ['shop/orders.frm', true],
    ['shop/orders.par', true],
    ['shop/db.opt', true],
    ['shop/orders.TRG', true],
    ['shop/tr.TRN', true],
    ['shop/orders.MYD', false],
    ['shop/orders.MYI', false],
    ['shop/orders.MAD', false],
    ['shop/orders.CSV', false],
    ['shop/orders.ARZ', false],
    ['#rocksdb/000001.sst', false],
  ];
  for (const [path, shows] of cases) t.equal(showsChanges({ place: 'data', path }), shows, path);
  for (const place of ['innodb-home', 'innodb-log', 'undo', 'aria', 'binlog'] as const)
    t.equal(showsChanges({ place, path: 'x.ibd' }), false, place);
});

/** A schema with two tables that were sent when their times were long past, and how they look after `change`. */
async function look(
  t: Test,
  change: (files: { one: string; two: string; dir: string }) => void,
): Promise<Record<string, boolean>> {
  const dataDir = t.testdir({ shop: { 'one.ibd': 'first', 'two.ibd': 'other' } });
  const dir = join(dataDir, 'shop');
  const [one, two] = [join(dir, 'one.ibd'), join(dir, 'two.ibd')];
  const take = async (): Promise<readonly InventoryFile[]> => [
    ...(await takeInventory(layoutOf({ dataDir }), { maxBinlogs: 0 })).files,
  ];
  const before = new Map((await take()).map((file) => [keyOf(file), file]));
  change({ one, two, dir });
  const after = await take();
  return Object.fromEntries(
    after.map((file) => {
      const sent = before.get(keyOf(file));
      const passStartedMs = Date.now() + long;
      return [file.path, mayDiffer(file, sent === undefined ? undefined : { file: sent, passStartedMs })];
    }),
  );
}

t.test('what has not changed since it was sent need not be sent again', async (t) => {
  t.strictSame(await look(t, () => undefined), { 'shop/one.ibd': false, 'shop/two.ibd': false });
});

t.test('every kind of change is found, also where times are made to look old', async (t) => {
  const old = new Date(1_000_000_000_000);
  const keepingTimes = (file: string, change: () => void): void => {
    const { atime, mtime } = statSync(file);
    change();
    utimesSync(file, atime, mtime);
  };
  const changes: Record<string, (files: { one: string; two: string; dir: string }) => void> = {
    'written in place': ({ one }) => writeFileSync(one, 'later'),
    'written in place, mtime set back': ({ one }) => keepingTimes(one, () => writeFileSync(one, 'later')),
    'mtime set to long ago': ({ one }) => utimesSync(one, old, old),
    truncated: ({ one }) => keepingTimes(one, () => truncateSync(one, 0)),
    'replaced by a copy': ({ one }) => {
      rmSync(one);
      writeFileSync(one, 'later');
    },
    'another file renamed onto it': ({ one, two }) => renameSync(two, one),
    'renamed away and back': ({ one, dir }) => {
      renameSync(one, join(dir, 'x'));
      renameSync(join(dir, 'x'), one);
    },
    'a link to another file': ({ one, two }) => {
      rmSync(one);
      linkSync(two, one);
    },
  };
  for (const [name, change] of Object.entries(changes))
    t.equal((await look(t, change))['shop/one.ibd'], true, name);
  const swapped = await look(t, ({ one, two, dir }) => {
    renameSync(one, join(dir, 'x'));
    renameSync(two, one);
    renameSync(join(dir, 'x'), two);
  });
  t.strictSame(swapped, { 'shop/one.ibd': true, 'shop/two.ibd': true }, 'two tables that swapped names');
});

t.test('a new file and one that shows no changes are always sent', async (t) => {
  const looked = await look(t, ({ dir }) => writeFileSync(join(dir, 'new.ibd'), ''));
  t.equal(looked['shop/new.ibd'], true);
  const file = { ...sample(), path: 'shop/a.MYD' };
  t.ok(mayDiffer(file, { file, passStartedMs: file.mtimeMs + long }));
});

t.test('a file whose times are not clearly older than the pass that sent it is sent again', async (t) => {
  const file = sample();
  const cases: readonly [number, number, boolean][] = [
    [marginMs + 1, marginMs + 1, false],
    [marginMs, marginMs + 1, true],
    [marginMs + 1, marginMs, true],
    [0, 0, true],
    [-1000, -1000, true],
  ];
  for (const [mtimeBefore, ctimeBefore, differs] of cases) {
    const passStartedMs = 1e12;
    const then = { ...file, mtimeMs: passStartedMs - mtimeBefore, ctimeMs: passStartedMs - ctimeBefore };
    t.equal(
      mayDiffer(then, { file: then, passStartedMs }),
      differs,
      `${mtimeBefore} and ${ctimeBefore} ms before`,
    );
  }
});

t.test(
  'changes within a tick of the clock for files look simultaneous: the margin covers ticks',
  async (t) => {
    const dir = t.testdir();
    const names = Array.from({ length: 200 }, (_, i) => join(dir, String(i)));
    for (const name of names) writeFileSync(name, '');
    const times = names.map((name) => statSync(name).mtimeMs);
    const longest = Math.max(...times.slice(1).map((time, i) => time - (times[i] ?? 0)));
    t.ok(new Set(times).size < names.length, 'this kernel has coarse times for files, as assumed');
    t.ok(longest < marginMs, `the longest tick seen was ${longest} ms`);
  },
);

t.test("the time comes from the file system and is not after this host's", async (t) => {
  const dir = t.testdir({ x: 'contents' });
  mkdirSync(join(dir, 'y'));
  const before = Date.now();
  const time = fileSystemTime(join(dir, 'x'), new Date());
  t.ok(time <= Date.now());
  t.ok(time > before - 2000);
  t.ok(fileSystemTime(join(dir, 'x'), new Date(before - 3_600_000)) <= before - 3_600_000);
  t.equal(readFileSync(join(dir, 'x'), 'utf8'), 'contents');
});

function sample(): InventoryFile {
  return {
    place: 'data',
    path: 'shop/a.ibd',
    size: 1,
    mtimeMs: 1e12,
    ctimeMs: 1e12,
    dev: 1,
    ino: 2,
    allocated: 512,
  };
}

t.test('under the lock what has changed since a look, or may have, is sent again', async (t) => {
  const file = (place: Place, path: string, mtimeMs: number, ino = 1): InventoryFile => {
    return { place, path, size: 1, mtimeMs, ctimeMs: mtimeMs, dev: 1, ino, allocated: 1 };
  };
  const control = (mtimeMs: number): InventoryFile => file('aria', 'aria_log_control', mtimeMs);
  const log = (mtimeMs: number): InventoryFile => file('aria', 'aria_log.00000001', mtimeMs);
  const redo = (mtimeMs: number): InventoryFile => file('innodb-log', 'ib_logfile0', mtimeMs);
  const touched = (mtimeMs: number): InventoryFile => ({ ...redo(mtimeMs), ctimeMs: 5000 });
  const table = (mtimeMs: number): InventoryFile => file('data', 'shop/a.ibd', mtimeMs);
  const cases: [string, InventoryFile[], InventoryFile[], string[], number?][] = [
    ['nothing', [table(5_900.5), redo(5_999.9)], [table(5_900.5), redo(5_999.9)], []],
    ['a time', [table(100.5), redo(100.5)], [table(101.5), redo(100.5)], ['shop/a.ibd']],
    [
      'another file under the name',
      [redo(1.5)],
      [file('innodb-log', 'ib_logfile0', 1.5, 2)],
      ['ib_logfile0'],
    ],
    ['a new file', [], [redo(1.5)], ['ib_logfile0']],
    ['one that is gone', [redo(1.5)], [], []],
    [
      'one of Aria’s files',
      [control(1.5), log(1.5), redo(1.5)],
      [control(1.5), log(2.5), redo(1.5)],
      ['aria_log_control', 'aria_log.00000001'],
    ],
    ['an earlier whole second', [redo(4000), control(4000)], [redo(4000), control(4000)], []],
    ['the whole second of the look', [redo(5000)], [redo(5000)], ['ib_logfile0'], 6000],
    ['one of the next second', [redo(6000)], [redo(6000)], ['ib_logfile0'], 7000],
    [
      'the whole second of the look, of one of Aria’s files',
      [control(4000), log(5000)],
      [control(4000), log(5000)],
      ['aria_log_control', 'aria_log.00000001'],
      6000,
    ],
    ['one of a clock that is ahead', [redo(20_000)], [redo(20_000)], ['ib_logfile0'], 21_000],
    ['a time of before the clock was set back', [redo(3_600_000)], [redo(3_600_000)], []],
    ['a time that was set, to one in the future', [touched(20_000)], [touched(20_000)], []],
    ['a time that was set, to an earlier one', [touched(1000)], [touched(1000)], []],
    ['the whole second, of a table', [table(5000)], [table(5000)], []],
    [
      'a doubt and a change',
      [redo(5000), log(1.5)],
      [redo(5000), log(2.5)],
      ['ib_logfile0', 'aria_log.00000001'],
    ],
  ];
  for (const [title, before, now, again, certainFromMs] of cases) {
    const found = changedUnderLock(lookAt(5_400, before), lookAt(6_100, now));
    t.strictSame(
      [...found.files].map(({ path }) => path),
      again,
      title,
    );
    t.equal(found.certainFromMs, certainFromMs, title);
  }
});

t.test('what has looked the same for more than a second is beyond doubt, by whatever clock', async (t) => {
  const redo = (mtimeMs: number, ino = 1): InventoryFile => {
    const times = { mtimeMs, ctimeMs: mtimeMs };
    return { ...sample(), place: 'innodb-log', path: 'ib_logfile0', ...times, ino };
  };
  const again = (rested: readonly InventoryFile[], now: InventoryFile): number => {
    const looks = [lookAt(5_400, [redo(60_000)]), lookAt(6_100, [now]), lookAt(4_300, rested)] as const;
    return changedUnderLock(...looks).files.length;
  };
  t.equal(again([], redo(60_000)), 1, 'it was not seen before');
  t.equal(again([redo(60_000)], redo(60_000)), 0);
  t.equal(again([redo(59_000)], redo(60_000)), 1, 'it looked different');
  t.equal(again([redo(60_000)], redo(61_000)), 1, 'it has changed since');
});

t.test(
  'of a file server whose clock was not asked, whole seconds are beyond doubt after a rest only',
  async (t) => {
    const log = (mtimeMs: number, ino = 1): InventoryFile => {
      return { ...sample(), place: 'aria', path: 'aria_log_control', mtimeMs, ctimeMs: mtimeMs, ino, dev: 2 };
    };
    const far = (takenMs: number, files: readonly InventoryFile[]): Inventory => ({
      ...lookAt(takenMs, files),
      foreignClocks: new Set([2]),
    });
    const [before, now] = [far(1_005_400, [log(1_000_000)]), far(1_007_100, [log(1_000_000)])];
    const found = changedUnderLock(before, now);
    t.equal(found.files.length, 1, 'its clock may be some seconds behind');
    t.equal(found.certainFromMs, Infinity);
    t.equal(changedUnderLock(before, now, far(1_004_000, [log(1_000_000)])).files.length, 0);
    const [old, later] = [far(1_005_400, [log(1000)]), far(1_007_100, [log(1000)])];
    t.equal(changedUnderLock(old, later).files.length, 0, 'no clock is wrong by so much');
  },
);

t.test('the server may write to its log tables all the time, and to nothing else', async (t) => {
  const file = (path: string, size: number, mtimeMs: number): InventoryFile => {
    return { ...sample(), path, ino: path.length, size, mtimeMs, ctimeMs: mtimeMs };
  };
  const before = lookAt(100_000, [
    file('mysql/general_log.CSV', 10, 20_000),
    file('mysql/general_log.CSM', 35, 20_000),
    file('mysql/slow_log.CSV', 10, 99_000),
    file('shop/general_log.CSV', 10, 20_000),
  ]);
  const now = lookAt(101_000, [
    file('mysql/general_log.CSV', 12, 100_500),
    file('mysql/general_log.CSM', 35, 20_000),
    file('mysql/slow_log.CSV', 10, 99_000),
    file('mysql/slow_log.CSM', 35, 99_000),
    file('shop/general_log.CSV', 12, 100_500),
  ]);
  t.strictSame(
    Array.from(changedUnderLock(before, now).files, ({ path }) => path),
    ['mysql/slow_log.CSM', 'shop/general_log.CSV'],
    'but what was not sent at all is sent',
  );
  t.strictSame(
    logTablesWritten(before, now),
    ['mysql/general_log.CSV', 'mysql/slow_log.CSV', 'mysql/slow_log.CSM'],
    'of one that was written to short before, it is not known',
  );
});

t.test('very many files that may have changed are told like a few', async (t) => {
  const files = Array.from({ length: 200_000 }, (_, ino) => {
    return { ...sample(), path: `shop/${ino}.MYD`, ino, mtimeMs: 5000, ctimeMs: 5000 };
  });
  const { certainFromMs } = changedUnderLock(lookAt(5_400, files), lookAt(6_100, files));
  t.equal(certainFromMs, 6000);
});

function lookAt(takenMs: number, files: readonly InventoryFile[]): Inventory {
  return { takenMs, files: FileTable.of(files), directories: [], bytes: 0, external: [], notFiles: [] };
}
