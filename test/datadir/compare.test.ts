import { appendFileSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Difference } from '../../src/datadir/compare.js';
import { compareSome, compareWithManifest } from '../../src/datadir/compare.js';
import { takeInventory } from '../../src/datadir/inventory.js';
import type { Layout } from '../../src/datadir/layout.js';
import type { Manifest } from '../../src/datadir/manifest.js';
import { removeUnlisted } from '../../src/datadir/removal.js';
import { layoutOf } from './settings.js';

// a new object for each use: t.testdir takes a repeated one for a cycle
const tree = () => ({
  ibdata1: 'system',
  ib_logfile0: 'redo',
  undo001: 'undo',
  'aria_log.00000001': 'log',
  aria_log_control: 'control',
  'bin.000001': 'events',
  'bin.index': './bin.000001\n',
  shop: { 'a.ibd': 'rows', 'b.ibd': 'more rows' },
  empty: {},
});

async function manifestOf(layout: Layout): Promise<Manifest> {
  const { files, directories } = await takeInventory(layout, { maxBinlogs: 1 });
  const binlogs = [...files].filter(({ place }) => place === 'binlog').map(({ path }) => path);
  return {
    format: 1,
    tool: 'test',
    pass: 'final',
    binlogs,
    innodbFiles: layout.innodbFiles,
    files,
    directories,
  };
}

t.test('a complete copy does not differ, in whatever layout', async (t) => {
  const dir = t.testdir({
    donor: tree(),
    plain: { ...tree(), 'grastate.dat': 'own', 'node2.err': 'own' },
    split: {
      data: {
        shop: tree().shop,
        empty: {},
        logs: { 'bin.000001': 'events' },
        gcache: { 'galera.cache': 'own' },
      },
      inno: { ibdata1: 'system', ib_logfile0: 'redo', undo001: 'undo' },
      aria: { 'aria_log.00000001': 'log', aria_log_control: 'control' },
    },
  });
  withOneTime(dir);
  const manifest = await manifestOf(layoutOf({ dataDir: join(dir, 'donor'), logBin: 'bin' }));
  const layouts = {
    itself: layoutOf({ dataDir: join(dir, 'donor'), logBin: 'bin' }),
    'another server': layoutOf({ dataDir: join(dir, 'plain'), logBin: 'other' }),
    'without binary log': layoutOf({ dataDir: join(dir, 'plain') }),
    'separate directories': layoutOf({
      dataDir: join(dir, 'split/data'),
      innodbDataHomeDir: '../inno',
      innodbLogGroupHomeDir: '../inno',
      innodbUndoDirectory: '../inno',
      ariaLogDirPath: '../aria',
      logBin: 'logs/other',
    }),
  };
  for (const [title, layout] of Object.entries(layouts)) {
    let looks = 0;
    const onEntry = (): void => {
      looks += 1;
    };
    t.strictSame(await compareWithManifest(layout, manifest, { onEntry }), [], title);
    t.ok(looks > 0, `${title}: its progress is told`);
  }
});

t.test('every kind of difference is found', async (t) => {
  // The redo log's time is the kernel's business: see compare.ts.
  const cases: [title: string, change: (dataDir: string) => void, difference: Difference][] = [
    [
      'a table is missing',
      (dir) => rmSync(join(dir, 'shop/a.ibd')),
      { kind: 'missing', place: 'data', path: 'shop/a.ibd' },
    ],
    [
      'the redo log is missing',
      (dir) => rmSync(join(dir, 'ib_logfile0')),
      { kind: 'missing', place: 'innodb-log', path: 'ib_logfile0' },
    ],
    [
      'a binary log is missing',
      (dir) => rmSync(join(dir, 'bin.000001')),
      { kind: 'missing', place: 'binlog', path: 'bin.000001' },
    ],
    [
      'a schema is missing',
      (dir) => rmSync(join(dir, 'empty'), { recursive: true }),
      { kind: 'missing directory', place: 'data', path: 'empty' },
    ],
    [
      'a table is too long',
      (dir) => appendFileSync(join(dir, 'shop/a.ibd'), '!'),
      { kind: 'size', place: 'data', path: 'shop/a.ibd', expected: 4, found: 5 },
    ],
    [
      'a binary log is too long',
      (dir) => appendFileSync(join(dir, 'bin.000001'), '!'),
      { kind: 'size', place: 'binlog', path: 'bin.000001', expected: 6, found: 7 },
    ],
    [
      'a table has the size but is not what this transfer wrote',
      (dir) => utimesSync(join(dir, 'shop/a.ibd'), 1e9, 1e9),
      { kind: 'time', place: 'data', path: 'shop/a.ibd' },
    ],
    [
      'there is another table',
      (dir) => writeFileSync(join(dir, 'shop/c.ibd'), ''),
      { kind: 'unexpected', place: 'data', path: 'shop/c.ibd' },
    ],
    [
      'an older server left a redo log',
      (dir) => writeFileSync(join(dir, 'ib_logfile1'), ''),
      { kind: 'unexpected', place: 'innodb-log', path: 'ib_logfile1' },
    ],
    [
      'there is another system tablespace',
      (dir) => writeFileSync(join(dir, 'ibdata2'), ''),
      { kind: 'unexpected', place: 'innodb-home', path: 'ibdata2' },
    ],
  ];
  for (const [title, change, difference] of cases) {
    const dataDir = t.testdir(tree());
    const layout = layoutOf({ dataDir, logBin: 'bin' });
    const manifest = await manifestOf(layout);
    change(dataDir);
    t.strictSame(await compareWithManifest(layout, manifest), [difference], title);
  }
});

t.test('of log tables that are written to while they are sent, it counts that they are there', async (t) => {
  const logs = () => ({
    'general_log.CSV': 'one',
    'slow_log.CSV': 'one',
    'slow_log.CSM': 'x',
    'user.MAD': 'rows',
  });
  const dir = t.testdir({ donor: { mysql: logs() }, joiner: { mysql: logs() } });
  withOneTime(dir);
  const layout = layoutOf({ dataDir: join(dir, 'joiner') });
  const writtenUnderLock = ['mysql/general_log.CSV', 'mysql/slow_log.CSM', 'mysql/user.MAD'];
  const manifest = {
    ...(await manifestOf(layoutOf({ dataDir: join(dir, 'donor') }))),
    writtenUnderLock,
  };
  for (const name of ['general_log.CSV', 'slow_log.CSV', 'user.MAD'])
    appendFileSync(join(dir, 'joiner/mysql', name), '!');
  rmSync(join(dir, 'joiner/mysql/slow_log.CSM'));
  const missing = { kind: 'missing', place: 'data', path: 'mysql/slow_log.CSM' };
  const found = (path: string, expected: number) =>
    ({ kind: 'size', place: 'data', path, expected, found: expected + 1 }) as const;
  const others = [found('mysql/slow_log.CSV', 3), found('mysql/user.MAD', 4)];
  const byPath = (one: Difference, other: Difference): number => (one.path < other.path ? -1 : 1);
  t.strictSame((await compareWithManifest(layout, manifest)).sort(byPath), [missing, ...others]);
  t.strictSame((await compareSome(layout, manifest, manifest.files)).sort(byPath), [missing, ...others]);
});

t.test('a schema that the donor does not have is found, even when it is empty', async (t) => {
  const dir = t.testdir({ donor: tree(), joiner: { ...tree(), other: {} } });
  withOneTime(dir);
  const manifest = await manifestOf(layoutOf({ dataDir: join(dir, 'donor') }));
  t.strictSame(await compareWithManifest(layoutOf({ dataDir: join(dir, 'joiner') }), manifest), [
    { kind: 'unexpected directory', place: 'data', path: 'other' },
  ]);
});

t.test("a file that only the donor's layout knows by name is looked for under this name", async (t) => {
  const dir = t.testdir({ donor: { pages: 'list' }, joiner: { pages: 'list' } });
  withOneTime(dir);
  const donor = layoutOf({ dataDir: join(dir, 'donor'), innodbBufferPoolFilename: 'pages' });
  const joiner = layoutOf({ dataDir: join(dir, 'joiner') });
  const manifest = await manifestOf(donor);
  t.strictSame(
    [...manifest.files].map(({ path }) => path),
    ['pages'],
  );
  t.strictSame(await compareWithManifest(joiner, manifest), []);
});

const serverFiles = [
  { kind: 'log', path: 'logs/error' },
  { kind: 'log', path: 'logs/slow.log' },
  { kind: 'file', path: 'run/mysqld.pid' },
  { kind: 'directory', path: 'run/tmp' },
] as const;

t.test('what a server keeps for itself in sub directories is no part of a copy', async (t) => {
  const dir = t.testdir({
    donor: {
      ...tree(),
      logs: { 'error.err': 'donor', 'slow.log': 'donor', 'slow.log.1': '' },
      run: { 'mysqld.pid': '1', tmp: { '#sql1.MAI': '', deeper: { x: '' } } },
    },
    joiner: {
      ...tree(),
      logs: { 'error.err': 'joiner, longer', 'error.err-20261122': '' },
      run: { 'mysqld.pid': '22', tmp: { '#sql2.MAD': '' } },
    },
    plain: tree(),
  });
  const donor = layoutOf({ dataDir: join(dir, 'donor'), serverFiles });
  const joiner = layoutOf({ dataDir: join(dir, 'joiner'), serverFiles });
  const manifest = await manifestOf(donor);
  t.strictSame(manifest.directories, ['empty', 'shop']);
  t.notOk([...manifest.files].some(({ path }) => /logs|run/.test(path)));
  const before = everythingBelow(join(dir, 'joiner'));
  t.strictSame(await removeUnlisted(joiner, manifest), { removed: 0 });
  t.strictSame(everythingBelow(join(dir, 'joiner')), before, 'the joiner keeps its own');
  for (const layout of [joiner, layoutOf({ dataDir: join(dir, 'plain') })])
    t.strictSame(timesAside(await compareWithManifest(layout, manifest)), []);
});

t.test('a directory for temporary files that holds data is not left out', async (t) => {
  const dataDir = t.testdir({ ...tree(), below: { undo: { undo001: '' }, 'x.ibd': '' } });
  const layout = layoutOf({
    dataDir,
    innodbUndoDirectory: 'below/undo',
    serverFiles: [{ kind: 'directory', path: 'below' }],
  });
  t.ok([...(await manifestOf(layout)).files].some(({ path }) => path === 'below/x.ibd'));
});

t.test('a time is the donor’s to the microsecond, unless it can only be a whole second', async (t) => {
  // In ms, as the donor has it and as it is here.
  const cases: readonly [number, number, boolean][] = [
    [1_764_000_000_123.456, 1_764_000_000_123.456, true],
    [1_764_000_000_123.456, 1_764_000_000_124.456, false],
    [1_764_000_000_123.456, 1_764_000_001_000.5, false],
    [1_764_000_001_123.456, 1_764_000_001_000, true],
    [1_764_000_001_123.456, 1_764_000_000_000, true],
    [1_764_000_001_123.456, 1_763_999_999_000, false],
    [1_764_000_000_000, 1_764_000_000_000.5, false],
  ];
  const dataDir = t.testdir({ shop: { 'a.ibd': 'rows' } });
  const layout = layoutOf({ dataDir });
  for (const [donors, found, same] of cases) {
    const table = { place: 'data', path: 'shop/a.ibd', size: 4, mtimeMs: donors } as const;
    utimesSync(join(dataDir, 'shop/a.ibd'), found / 1000, found / 1000);
    const differences = await compareWithManifest(layout, { ...(await manifestOf(layout)), files: [table] });
    t.equal(differences.length === 0, same, `${donors} and ${found}`);
  }
});

/** As rsync does it. */
function withOneTime(directory: string): void {
  for (const path of everythingBelow(directory))
    utimesSync(join(directory, path), 1_764_000_000.25, 1_764_000_000.25);
}

/** Both sides were made by hand here. */
const timesAside = (differences: readonly Difference[]): Difference[] =>
  differences.filter(({ kind }) => kind !== 'time');

function everythingBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
}

t.test('a link that leads nowhere is no difference, but told of', async (t) => {
  const layout = layoutOf({ dataDir: t.testdir(tree()) });
  const manifest = await manifestOf(layout);
  let others = 0;
  const onOther = (): void => void (others += 1);
  await compareWithManifest(layout, manifest, { onOther });
  t.equal(others, 0);
  symlinkSync('/none/c.ibd', join(layout.roots.data, 'shop/c.ibd'));
  t.same(await compareWithManifest(layout, manifest, { onOther }), []);
  t.equal(others, 1);
  await removeUnlisted(layout, manifest);
  await compareWithManifest(layout, manifest, { onOther });
  t.equal(others, 1, 'until it is removed');
});
