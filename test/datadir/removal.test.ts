import { execFileSync } from 'node:child_process';
import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { compareWithManifest } from '../../src/datadir/compare.js';
import type { Manifest, ManifestFile } from '../../src/datadir/manifest.js';
import { prepareDirectories, removeUnlisted } from '../../src/datadir/removal.js';
import { layoutOf } from './settings.js';

const manifest = (
  directories: string[],
  files: [place: ManifestFile['place'], path: string][],
): Manifest => ({
  format: 1,
  tool: 'test',
  pass: 'final',
  binlogs: [],
  innodbFiles: ['ibdata*'],
  directories,
  files: files.map(([place, path]) => ({ place, path, size: 0 })),
});

const everythingIn = (dir: string): string[] =>
  execFileSync('find', [dir, '-mindepth', '1', '-printf', '%P\n'], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .sort();

const own = {
  'grastate.dat': '',
  'gvwstate.dat': '',
  'galera.cache': '',
  sst_in_progress: '',
  tables_flushed: '',
  'node2.err': '',
  'bin.000001': '',
  'bin.index': '',
};

t.test('what the donor does not have goes, what is not copied stays', async (t) => {
  const dataDir = t.testdir({
    ...own,
    ibdata1: '',
    ibdata2: '',
    ib_logfile0: '',
    ib_logfile1: '',
    undo001: '',
    undo004: '',
    aria_log_control: '',
    'aria_log.00000001': '',
    'aria_log.00000002': '',
    ib_buffer_pool: '',
    shop: { 'a.ibd': '', 'old.ibd': '', '.a.ibd.Xy12': '' },
    gone: { 'x.ibd': '', deeper: { y: '' } },
    'lost+found': { z: '' },
    '.snapshot': { z: '' },
  });
  const listed = manifest(
    ['shop'],
    [
      ['data', 'shop/a.ibd'],
      ['innodb-home', 'ibdata1'],
      ['innodb-log', 'ib_logfile0'],
      ['undo', 'undo001'],
      ['aria', 'aria_log_control'],
      ['aria', 'aria_log.00000001'],
    ],
  );
  const layout = layoutOf({ dataDir, logBin: 'bin' });
  let looks = 0;
  const onEntry = (): void => {
    looks += 1;
  };
  t.strictSame(await removeUnlisted(layout, listed, { onEntry }), { removed: 11 });
  t.ok(looks > 0, 'its progress is told', { looks });
  t.strictSame(
    everythingIn(dataDir),
    [
      ...Object.keys(own),
      'ibdata1',
      'ib_logfile0',
      'undo001',
      'aria_log_control',
      'aria_log.00000001',
      'shop',
      'shop/a.ibd',
      'lost+found',
      'lost+found/z',
      '.snapshot',
      '.snapshot/z',
    ].sort(),
  );
  t.strictSame(await compareWithManifest(layout, listed), []);
  t.strictSame(await removeUnlisted(layout, listed), { removed: 0 });
});

t.test(
  "the joiner's special directories inside its data directory stay, with what belongs there",
  async (t) => {
    const tree = {
      redo: { ib_logfile0: '' },
      logs: { 'bin.000001': '', 'bin.index': '', 'bin.state': '' },
      gcache: { 'galera.cache': '', 'gcache.page.000001': '' },
      outer: { gcache: { 'galera.cache': '' } },
    };
    const dataDir = t.testdir({ ...tree, gone: { 'x.ibd': '' } });
    const layout = layoutOf({ dataDir, innodbLogGroupHomeDir: 'redo', logBin: 'logs/bin' });
    const before = everythingIn(dataDir).filter((path) => !path.startsWith('gone'));
    const listed = manifest([], [['innodb-log', 'ib_logfile0']]);
    await removeUnlisted(layout, listed);
    t.strictSame(everythingIn(dataDir), before);
    t.strictSame(await compareWithManifest(layout, listed), []);
  },
);

t.test("a donor's binary logs survive until they are adopted", async (t) => {
  const dataDir = t.testdir({ logs: { 'theirs.000007': '' } });
  const listed = { ...manifest([], [['binlog', 'theirs.000007']]), binlogs: ['theirs.000007'] };
  t.strictSame(await removeUnlisted(layoutOf({ dataDir, logBin: 'logs/mine' }), listed), { removed: 0 });
  t.strictSame(everythingIn(dataDir), ['logs', 'logs/theirs.000007']);
});

t.test("binary logs of the donor's name that it has purged since they were sent go", async (t) => {
  const logs = {
    'bin.000006': '',
    'bin.000006.idx': '',
    'bin.000007': '',
    'bin.000007.idx': '',
    'bin.000008': '',
  };
  const others = {
    'bin.index': '',
    'bin.state': '',
    'binx.000001': '',
    'my.bin.000001': '',
    'bin.000001.gz': '',
    'other.000001': '',
  };
  const listed = {
    ...manifest(
      [],
      [
        ['binlog', 'bin.000007'],
        ['binlog', 'bin.000008'],
      ],
    ),
    binlogs: ['bin.000007', 'bin.000008'],
  };
  const dir = t.testdir({ shared: { ...logs, ...others }, data: {}, logs: { ...logs, ...others } });
  const layouts = {
    shared: layoutOf({ dataDir: join(dir, 'shared'), logBin: 'mine' }),
    logs: layoutOf({ dataDir: join(dir, 'data'), logBin: join(dir, 'logs/bin') }),
  };
  const kept = [...Object.keys(others), 'bin.000007', 'bin.000007.idx', 'bin.000008'].sort();
  for (const [folder, layout] of Object.entries(layouts)) {
    t.strictSame(await removeUnlisted(layout, listed, { received: ['bin.000006'] }), { removed: 2 });
    t.strictSame(everythingIn(join(dir, folder)), kept);
  }
});

t.test("binary logs of the donor's name that another server has in the directory stay", async (t) => {
  const logs = { 'bin.000005': '', 'bin.000005.idx': '', 'bin.000006': {}, 'bin.000007': '' };
  const dir = t.testdir({ data: {}, logs });
  const layout = layoutOf({ dataDir: join(dir, 'data'), logBin: join(dir, 'logs/mine') });
  const listed = { ...manifest([], [['binlog', 'bin.000007']]), binlogs: ['bin.000007'] };
  t.strictSame(await removeUnlisted(layout, listed, { received: ['bin.000006'] }), { removed: 0 });
  t.strictSame(everythingIn(join(dir, 'logs')), Object.keys(logs).sort(), 'neither do directories go');
});

t.test('links are removed, and nothing behind them', async (t) => {
  const dir = t.testdir({ data: { shop: {} }, outside: { 'precious.ibd': '', sub: { 'precious.ibd': '' } } });
  const dataDir = join(dir, 'data');
  symlinkSync(join(dir, 'outside'), join(dataDir, 'gone'));
  symlinkSync(join(dir, 'outside'), join(dataDir, 'shop/directory'));
  symlinkSync(join(dir, 'outside/precious.ibd'), join(dataDir, 'shop/table.MYD'));
  symlinkSync('nowhere', join(dataDir, 'shop/broken'));
  t.strictSame(await removeUnlisted(layoutOf({ dataDir }), manifest(['shop'], [])), { removed: 4 });
  t.strictSame(everythingIn(dir), [
    'data',
    'data/shop',
    'outside',
    'outside/precious.ibd',
    'outside/sub',
    'outside/sub/precious.ibd',
  ]);
});

t.test('a schema that is on another disk here loses the tables that the donor does not have', async (t) => {
  const dir = t.testdir({ data: {}, disk2: { 'a.ibd': '', 'old.ibd': '', sub: { 'precious.ibd': '' } } });
  const dataDir = join(dir, 'data');
  symlinkSync(join(dir, 'disk2'), join(dataDir, 'shop'));
  await removeUnlisted(layoutOf({ dataDir }), manifest(['shop'], [['data', 'shop/a.ibd']]));
  t.strictSame(everythingIn(dir), [
    'data',
    'data/shop',
    'disk2',
    'disk2/a.ibd',
    'disk2/sub',
    'disk2/sub/precious.ibd',
  ]);
});

t.test('a link to a special directory stays', async (t) => {
  const dir = t.testdir({ data: {}, fast: { ib_logfile0: '' }, cache: { 'galera.cache': '' } });
  const dataDir = join(dir, 'data');
  symlinkSync(join(dir, 'fast'), join(dataDir, 'redo'));
  symlinkSync(join(dir, 'cache'), join(dataDir, 'gcache'));
  const before = everythingIn(dir);
  const layout = layoutOf({ dataDir, innodbLogGroupHomeDir: 'redo' });
  await removeUnlisted(layout, manifest([], [['innodb-log', 'ib_logfile0']]));
  t.strictSame(everythingIn(dir), before);
});

t.test('a file that two places share a directory for is kept when either lists it', async (t) => {
  const dataDir = t.testdir({ undosystem: '' });
  const layout = layoutOf({ dataDir, innodbDataFilePath: 'undosystem:12M' });
  await removeUnlisted(layout, manifest([], [['innodb-home', 'undosystem']]));
  t.ok(existsSync(join(dataDir, 'undosystem')));
});

t.test('missing directories are created, those of other places too', (t) => {
  const dir = t.testdir({ data: { shop: { 'a.ibd': '' } } });
  const layout = layoutOf({
    dataDir: join(dir, 'data'),
    innodbUndoDirectory: '../x/undo',
    logBin: 'logs/bin',
    logBinIndex: '../indexes/bin',
  });
  prepareDirectories(layout, manifest(['shop', 'new', 'new/deeper'], []));
  t.strictSame(everythingIn(dir), [
    'data',
    'data/logs',
    'data/new',
    'data/new/deeper',
    'data/shop',
    'data/shop/a.ibd',
    'indexes',
    'x',
    'x/undo',
  ]);
  t.end();
});

t.test('a file in the way of a directory is named', (t) => {
  const dataDir = t.testdir({});
  writeFileSync(join(dataDir, 'shop'), '');
  t.throws(() => prepareDirectories(layoutOf({ dataDir }), manifest(['shop'], [])), {
    code: 'FILE_EXISTS',
    message: /\/shop: something else of that name is in the way \(EEXIST, mkdir\)$/,
    hint: /move it away/,
  });
  t.end();
});
