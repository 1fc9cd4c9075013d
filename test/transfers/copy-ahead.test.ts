import t from 'tap';
import type { Config } from '../../src/config/config.js';
import type { Inventory, InventoryFile } from '../../src/datadir/inventory.js';
import {
  copyAhead,
  dueAhead,
  isWorthIt,
  leftBySample,
  type LookAtSome,
} from '../../src/transfers/copy-ahead.js';
import { mayDiffer, SentFiles } from '../../src/datadir/changes.js';
import { FileTable } from '../../src/datadir/file-table.js';
import { recordTransfer } from './context.js';

const mib = 1024 * 1024;
const hour = 3_600_000;

function table(name: string, sizeMib: number, changedMs = 0): InventoryFile {
  const times = { mtimeMs: changedMs, ctimeMs: changedMs };
  return {
    place: 'data',
    path: `shop/${name}`,
    size: sizeMib * mib,
    ...times,
    dev: 1,
    ino: 1,
    allocated: 0,
  };
}

const at = (takenMs: number, files: readonly InventoryFile[]): Inventory => ({
  takenMs,
  ...{ files: FileTable.of(files), directories: [], bytes: 0, external: [], notFiles: [] },
});

/** What each pass sends, when the server's files look like this at the beginning of each. */
async function passesOver(
  precopy: Config['precopy'],
  looks: readonly Inventory[],
  {
    sent = new SentFiles(),
    onLook = () => undefined,
    passMs = 1000,
  }: { sent?: SentFiles; onLook?: (look: number) => void; passMs?: number } = {},
): Promise<{ passes: string[][]; sent: string[]; looked: number }> {
  const passes: string[][] = [];
  let looked = 0;
  await copyAhead(
    { precopy },
    {
      sent,
      look: () => {
        onLook(looked);
        return Promise.resolve(looks[looked++]!);
      },
      lookAtSome: () => ({
        file: (name) => looks[looked]?.files.find(name),
        names: (directory) =>
          Array.from(looks[looked]?.files ?? [], ({ path }) => path)
            .filter((path) => path.startsWith(`${directory}/`))
            .map((path) => path.slice(directory.length + 1)),
      }),
      send: (pass, files) => {
        t.equal(pass, passes.length + 1);
        passes.push(Array.from(files, ({ path }) => path.replace('shop/', '')));
        return Promise.resolve();
      },
    },
    { ...recordTransfer(), now: () => new Date((looks[looked - 1]?.takenMs ?? 0) + passMs) },
  );
  const names = new Set(looks.flatMap(({ files }) => Array.from(files, ({ path }) => path)));
  const known = [...names].filter((path) => sent.get({ place: 'data', path }) !== undefined);
  return { passes, sent: known.map((path) => path.replace('shop/', '')), looked };
}

t.test('passes are repeated as long as each leaves clearly less than the last', async (t) => {
  const looks = [
    at(hour, [table('a.ibd', 100), table('b.ibd', 100), table('c.ibd', 100), table('d.MYD', 100)]),
    at(2 * hour, [table('a.ibd', 100, hour), table('b.ibd', 50, hour), table('c.ibd', 100)]),
    at(3 * hour, [table('a.ibd', 100, hour), table('b.ibd', 50, 2 * hour), table('c.ibd', 100)]),
    at(4 * hour, [table('a.ibd', 100, hour), table('b.ibd', 50, 3 * hour), table('c.ibd', 100)]),
  ];
  t.strictSame((await passesOver('auto', looks)).passes, [
    ['a.ibd', 'b.ibd', 'c.ibd', 'd.MYD'],
    ['a.ibd', 'b.ibd'],
    ['b.ibd'],
  ]);
  t.strictSame((await passesOver(1, looks)).passes, [['a.ibd', 'b.ibd', 'c.ibd', 'd.MYD']]);
  const none = await passesOver(0, looks);
  t.strictSame(none, { passes: [], sent: [], looked: 0 });
});

t.test('auto begins no pass over little, a number does; neither repeats one for little', async (t) => {
  const looks = [at(1e9, [table('a.ibd', 1)]), at(2e9, [table('a.ibd', 1, 1.5e9)])];
  t.strictSame((await passesOver('auto', looks)).passes, []);
  t.strictSame((await passesOver(5, looks)).passes, [['a.ibd']]);
});

t.test('a table that nobody writes to is sent once', async (t) => {
  const files = [table('a.ibd', 100)];
  t.strictSame(await passesOver('auto', [at(1e9, files), at(2e9, files)]), {
    passes: [['a.ibd']],
    sent: ['a.ibd'],
    looked: 2,
  });
});

t.test('what the lock will not be spared is sent once: its file system has another clock', async (t) => {
  const far = { ...table('far.ibd', 100), dev: 2 };
  const looks = [1e9, 2e9, 3e9].map((takenMs) => ({
    ...at(takenMs, [table('a.ibd', 20, takenMs), { ...far, size: far.size + takenMs }]),
    foreignClocks: new Set([2]),
  }));
  const sent = new SentFiles();
  t.strictSame((await passesOver(2, looks, { sent })).passes, [['a.ibd', 'far.ibd'], ['a.ibd']]);
  t.ok(mayDiffer(far, sent.get(far)));
});

t.test('after a leap of the clock all is sent once more, and then what changes again', async (t) => {
  const looks = [1e9, 2e9, 3e9, 4e9].map((takenMs) =>
    at(takenMs, [table('a.ibd', 100), table('b.ibd', 20, takenMs)]),
  );
  const sent = new SentFiles();
  const leapAt = (look: number) => (looked: number) => looked === look && sent.doubt();
  t.strictSame((await passesOver('auto', looks, { sent, onLook: leapAt(1) })).passes, [
    ['a.ibd', 'b.ibd'],
    ['a.ibd', 'b.ibd'],
    ['b.ibd'],
  ]);
  t.notOk(mayDiffer(table('a.ibd', 100), sent.get(table('a.ibd', 100))));
});

t.test('what changed since its own pass began is due, whenever other files were sent', (t) => {
  const [one, two] = [table('one.ibd', 1, 1_000_000), table('two.ibd', 1, 1_000_000)];
  const sent = new SentFiles();
  sent.set(one, { takenMs: 500_000 });
  sent.set(two, { takenMs: 2_000_000 });
  t.strictSame(
    Array.from(
      dueAhead(at(3_000_000, [one, two, table('new.ibd', 1), table('x.MYD', 1)]), sent),
      ({ path }) => path,
    ),
    ['shop/one.ibd', 'shop/new.ibd'],
  );
  t.end();
});

t.test(
  'what the lock will send whatever happens goes along as a basis, and does not count as sent',
  async (t) => {
    const others = [table('b.MYD', 50), { ...table('c.MYI', 1), size: 65_535 }];
    const first = [table('a.ibd', 200), table('d.ibd', 10), ...others];
    const looks = [
      at(hour, first),
      at(2 * hour, [table('a.ibd', 60, hour), table('d.ibd', 10), ...others]),
      at(3 * hour, [table('a.ibd', 60, hour), table('d.ibd', 10, 2 * hour), ...others]),
      at(4 * hour, [table('a.ibd', 60, hour), table('d.ibd', 10, 2 * hour), ...others]),
    ];
    t.strictSame(await passesOver('auto', looks), {
      passes: [['a.ibd', 'd.ibd', 'b.MYD'], ['a.ibd', 'b.MYD'], ['d.ibd']],
      sent: ['a.ibd', 'd.ibd'],
      looked: 4,
    });
  },
);

t.test('another pass pays when it has clearly less to do, but not little', (t) => {
  t.equal(isWorthIt(59 * mib, 100 * mib, true), true);
  t.equal(isWorthIt(61 * mib, 100 * mib, true), false);
  t.equal(isWorthIt(7 * mib, 100 * mib, true), false);
  t.equal(isWorthIt(7 * mib, 100 * mib, false), true);
  t.end();
});

t.test('what an ALTER TABLE is making gets another name before it counts', async (t) => {
  const files = (changedMs: number): InventoryFile[] => [
    table('a.ibd', 100),
    table('#sql-alter-1a-2b.ibd', 30, changedMs),
    table('#sql-ib77.ibd', 20, changedMs - 6 * 60_000),
    table('p#P#p0#TMP#.ibd', 20, changedMs),
    table('p#P#p0.ibd', 30),
    table('sql#.ibd', 20),
    table('#sql-alter-3c.MAD', 10, changedMs),
  ];
  const sent = new SentFiles();
  const looks = [
    at(hour, files(hour)),
    at(2 * hour, [...files(hour), table('#sql-b.ibd', 50, 2 * hour)]),
    at(3 * hour, files(hour)),
  ];
  const { passes } = await passesOver('auto', looks, { sent });
  t.strictSame(passes, [
    ['a.ibd', '#sql-ib77.ibd', 'p#P#p0.ibd', 'sql#.ibd'],
    ['#sql-alter-1a-2b.ibd', 'p#P#p0#TMP#.ibd', '#sql-alter-3c.MAD'],
  ]);
});

t.test('a table that an ALTER TABLE has made meanwhile is worth another pass', async (t) => {
  const looks = [
    at(hour, [table('t.ibd', 60), table('r.ibd', 40), table('#sql-alter-1a-2b.ibd', 55, hour)]),
    at(2 * hour, [{ ...table('t.ibd', 60, hour), ino: 2 }, table('r.ibd', 40)]),
    at(3 * hour, [{ ...table('t.ibd', 60, hour), ino: 2 }, table('r.ibd', 40)]),
  ];
  t.strictSame((await passesOver('auto', looks)).passes, [['t.ibd', 'r.ibd'], ['t.ibd']]);
});

const many = Array.from({ length: 6000 }, (_, index) => table(`t${index}.ibd`, 0.1));

t.test(
  'soon after the last look a sample of very many files tells that nothing is left worth another',
  async (t) => {
    const written = new Set(['shop/t1.ibd', 'shop/t3000.ibd']);
    const after = many.map((file) => (written.has(file.path) ? { ...file, mtimeMs: 2 * hour } : file));
    const looks = [at(hour, many), at(3 * hour, after)];
    t.equal((await passesOver('auto', looks)).looked, 1);
    const rewritten = many.map((file, index) => (index % 4 === 0 ? { ...file, mtimeMs: 2 * hour } : file));
    const again = await passesOver('auto', [
      at(hour, many),
      at(3 * hour, rewritten),
      at(4 * hour, rewritten),
    ]);
    t.strictSame(
      again.passes.map(({ length }) => length),
      [6000, 1500],
    );
    const few = [at(hour, many.slice(0, 4000)), at(3 * hour, after.slice(0, 4000))];
    t.equal((await passesOver('auto', few)).looked, 2, 'of fewer all are looked at');
    t.equal((await passesOver('auto', looks, { passMs: 10_000 })).looked, 2, 'and later');
    const inShop = { ...at(hour, many), directories: ['shop'] };
    for (const [changedMs, mebibytes, looked] of [
      [hour - 4000, 1, 1],
      [hour - 4000, 9, 2],
      [hour - 6000, 9, 1],
    ] as const) {
      const made = table('made.ibd', mebibytes);
      const files = [...after, made, shop(changedMs)];
      t.equal(
        (await passesOver('auto', [inShop, at(3 * hour, files), at(4 * hour, files)])).looked,
        looked,
        `and ${mebibytes} MiB with a new name in a directory that changed then`,
      );
    }
  },
);

/** A directory, as it is found. */
const shop = (mtimeMs: number): InventoryFile => ({ ...table('', 0, mtimeMs), path: 'shop' });

const lookBy = (file: LookAtSome['file']): LookAtSome => ({ file, names: () => [] });

t.test('the sample: what is left, each file as likely as it is large', (t) => {
  const sent = new SentFiles();
  const files = [table('huge.ibd', 500), ...many];
  for (const file of files) sent.set(file, { takenMs: hour });
  const looked = { files: FileTable.of(files), directories: [], takenMs: hour };
  const found = new Map(files.map((file) => [file.path, file]));
  const left = (isWritten: (file: InventoryFile) => boolean, growth = 0): number =>
    leftBySample(
      sent,
      looked,
      lookBy(({ path }) => {
        const file = found.get(path);
        if (file === undefined || !isWritten(file)) return file;
        return { ...file, size: file.size + growth * mib, ctimeMs: hour };
      }),
    ) / mib;
  t.equal(
    left(() => false),
    0,
  );
  const all = 500 + 6000 * 0.1 + 6001 / 16;
  t.ok(Math.abs(left(() => true) - all) < 1);
  const isHuge = ({ path }: InventoryFile): boolean => path.includes('huge');
  t.ok(Math.abs(left(isHuge) - 500) < 1);
  t.ok(Math.abs(left(isHuge, 900) - 1400) < 1, 'what has grown counts as it is now');
  for (const every of [2, 3, 4, 5]) {
    const isWritten = ({ path }: InventoryFile): boolean => Number(/\d+/.exec(path)?.[0]) % every === 0;
    t.ok(Math.abs(left(isWritten) - (all - 500) / every) < all / 40, `one of ${every} in the list's order`);
  }
  t.equal(
    leftBySample(
      sent,
      looked,
      lookBy(() => undefined),
    ),
    0,
    'what has vanished is not left',
  );
  const foreign = { ...looked, foreignClocks: new Set([1]) };
  t.equal(
    leftBySample(
      sent,
      foreign,
      lookBy((name) => ({ ...table('', 1, hour), ...name })),
    ),
    0,
    'nor what is sent under the lock whatever happens',
  );
  sent.set(table('vast.ibd', 20_000), looked);
  t.equal(
    leftBySample(
      sent,
      looked,
      lookBy(({ path }) => found.get(path)),
    ),
    Infinity,
    'steps that are larger than what counts as little do not tell',
  );
  t.end();
});
