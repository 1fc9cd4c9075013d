import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t from 'tap';
import { mayDiffer, SentFiles } from '../../src/datadir/changes.js';
import type { Inventory } from '../../src/datadir/inventory.js';
import { isSparse, takeInventory } from '../../src/datadir/inventory.js';
import { decodeManifest, encodeManifest } from '../../src/datadir/manifest.js';
import { linesOf } from '../../src/datadir/text-lines.js';
import type { Layout } from '../../src/datadir/layout.js';
import { layoutOf } from './settings.js';

const listed = (inventory: Inventory): string[] =>
  [...inventory.files].map(({ place, path }) => `${place}: ${path}`).sort();
const take = (layout: Layout, maxBinlogs = 1): Promise<Inventory> => takeInventory(layout, { maxBinlogs });

const topLevel = {
  ibdata1: 'system',
  ib_buffer_pool: 'pages',
  ib_logfile0: 'redo',
  ib_logfile101: 'being built',
  undo001: 'undo',
  aria_log_control: 'control',
  'aria_log.00000001': 'log',
  ibtmp1: 'temporary',
  'grastate.dat': 'state',
  'gvwstate.dat': 'view',
  'galera.cache': 'cache',
  'gcache.page.000000': 'page',
  'node1.err': 'log',
  'node1.pid': '1',
  'server-key.pem': 'key',
  'multi-master.info': '',
};

t.test('everything in the schema directories travels, and of the rest what a server needs', async (t) => {
  const dataDir = t.testdir({
    ...topLevel,
    shop: {
      'db.opt': 'utf8',
      'orders.frm': 'frm',
      'orders.ibd': 'rows',
      'undo1.ibd': 'a table',
      'ibdata.ibd': 'a table',
    },
    empty: {},
    '#rocksdb': { deeper: { '000001.sst': 'sst' } },
    'lost+found': { x: '' },
    '.zfs': { x: '' },
    '.snapshot': { x: '' },
    '.fseventsd': { x: '' },
    '.Trashes': { x: '' },
  });
  const inventory = await take(layoutOf({ dataDir }));
  t.strictSame(listed(inventory), [
    'aria: aria_log.00000001',
    'aria: aria_log_control',
    'data: #rocksdb/deeper/000001.sst',
    'data: shop/db.opt',
    'data: shop/ibdata.ibd',
    'data: shop/orders.frm',
    'data: shop/orders.ibd',
    'data: shop/undo1.ibd',
    'innodb-home: ib_buffer_pool',
    'innodb-home: ibdata1',
    'innodb-log: ib_logfile0',
    'undo: undo001',
  ]);
  t.strictSame([...inventory.directories].sort(), ['#rocksdb', '#rocksdb/deeper', 'empty', 'shop']);
  t.ok(inventory.directories.indexOf('#rocksdb') < inventory.directories.indexOf('#rocksdb/deeper'));
  t.equal(
    inventory.bytes,
    [...inventory.files].reduce((sum, { size }) => sum + size, 0),
  );
  t.strictSame(inventory.external, []);
});

t.test('a special directory inside the data directory gives each file once and is no schema', async (t) => {
  const dataDir = t.testdir({
    redo: { ib_logfile0: 'redo' },
    shared: { undo001: 'undo', 'aria_log.00000001': 'log', aria_log_control: 'control', 'lost+found': {} },
    home: { ibdata1: 'system', ib_buffer_pool: 'pages' },
    logs: {
      'bin.000001': 'old',
      'bin.000002': 'new',
      'bin.index': 'logs/bin.000001\nlogs/bin.000002\n',
      'bin.state': '',
    },
    gcache: { 'galera.cache': 'cache', 'gcache.page.000001': 'page' },
    outer: { gcache: { 'galera.cache': 'cache' } },
    shop: { undo001: 'no log', ib_logfile0: 'no log', 'bin.000001': 'no log', aria_log_control: 'no log' },
  });
  const inventory = await take(
    layoutOf({
      dataDir,
      innodbLogGroupHomeDir: 'redo',
      innodbUndoDirectory: join(dataDir, 'shared'),
      ariaLogDirPath: './shared',
      innodbDataHomeDir: 'home',
      logBin: 'logs/bin',
    }),
  );
  t.strictSame(listed(inventory), [
    'aria: aria_log.00000001',
    'aria: aria_log_control',
    'binlog: bin.000002',
    'data: shop/aria_log_control',
    'data: shop/bin.000001',
    'data: shop/ib_logfile0',
    'data: shop/undo001',
    'innodb-home: ib_buffer_pool',
    'innodb-home: ibdata1',
    'innodb-log: ib_logfile0',
    'undo: undo001',
  ]);
  t.strictSame(inventory.directories, ['shop']);
});

t.test('a special directory that holds a schema file too keeps both apart', async (t) => {
  const dataDir = t.testdir({ mixed: { undo001: 'log', 'orders.ibd': 'rows' } });
  const inventory = await take(layoutOf({ dataDir, innodbUndoDirectory: 'mixed' }));
  t.strictSame(listed(inventory), ['data: mixed/orders.ibd', 'undo: undo001']);
  t.strictSame(inventory.directories, ['mixed']);
});

t.test('special directories around and beside the data directory give their files only', async (t) => {
  const dir = t.testdir({
    ib_logfile0: 'redo',
    other: 'file',
    data: { shop: { 'a.ibd': '' }, ibdata1: 'not the one in use' },
    a: { ibdata1: 'one' },
    b: { ibdata2: 'two', ibdata3: 'not named' },
  });
  const layout = layoutOf({
    dataDir: join(dir, 'data'),
    innodbDataHomeDir: '',
    innodbDataFilePath: `${dir}/a/ibdata1:12M;${dir}/b/ibdata2:12M:autoextend`,
    innodbLogGroupHomeDir: '..',
  });
  t.strictSame(listed(await take(layout)), [
    'data: shop/a.ibd',
    'innodb-home: a/ibdata1',
    'innodb-home: b/ibdata2',
    'innodb-log: ib_logfile0',
  ]);
});

t.test('named tablespace files below the data directory are no schema', async (t) => {
  const dataDir = t.testdir({ inno: { system: 'one' }, shop: { system: 'a file' } });
  const inventory = await take(layoutOf({ dataDir, innodbDataFilePath: 'inno/system:12M' }));
  t.strictSame(listed(inventory), ['data: shop/system', 'innodb-home: inno/system']);
  t.strictSame(inventory.directories, ['shop']);
});

t.test('links are followed, but not in circles', async (t) => {
  const dir = t.testdir({
    data: { shop: { 'a.ibd': '12' } },
    disk2: { big: { 'b.ibd': '345' }, 'c.MYD': '6789' },
  });
  const dataDir = join(dir, 'data');
  symlinkSync(join(dir, 'disk2/big'), join(dataDir, 'big'));
  symlinkSync(join(dir, 'disk2/c.MYD'), join(dataDir, 'shop/c.MYD'));
  symlinkSync('..', join(dataDir, 'shop/up'));
  symlinkSync('self', join(dataDir, 'shop/self'));
  symlinkSync('nowhere', join(dataDir, 'shop/broken'));
  symlinkSync(join(dir, 'disk2/c.MYD'), join(dataDir, 'top-level'));
  const inventory = await take(layoutOf({ dataDir }));
  t.strictSame(listed(inventory), ['data: big/b.ibd', 'data: shop/a.ibd', 'data: shop/c.MYD']);
  t.equal(inventory.bytes, 9);
  t.strictSame([...inventory.directories].sort(), ['big', 'shop']);
});

t.test('a special directory is known behind a link', async (t) => {
  const dir = t.testdir({ data: { shop: {} }, fast: { ib_logfile0: 'redo' } });
  const dataDir = join(dir, 'data');
  symlinkSync(join(dir, 'fast'), join(dataDir, 'redo'));
  for (const innodbLogGroupHomeDir of ['redo', join(dir, 'fast')]) {
    const inventory = await take(layoutOf({ dataDir, innodbLogGroupHomeDir }));
    t.strictSame(listed(inventory), ['innodb-log: ib_logfile0']);
    t.strictSame(inventory.directories, ['shop']);
  }
});

t.test('what is no file is left out, and named where a table or a schema could be meant', async (t) => {
  // The name of a socket has at most 107 bytes.
  const dataDir = mkdtempSync(join(tmpdir(), 'inventory-'));
  t.teardown(() => rmSync(dataDir, { recursive: true }));
  mkdirSync(join(dataDir, 'shop'));
  writeFileSync(join(dataDir, 'shop/a.ibd'), '');
  execFileSync('mkfifo', [join(dataDir, 'shop/pipe')]);
  execFileSync('mkfifo', [join(dataDir, 'pipe')]);
  for (const [target, name] of [
    ['nowhere', 'shop/broken.MYD'],
    ['self.MYD', 'shop/self.MYD'],
    ['/dev/null', 'shop/null'],
    ['a.ibd', 'shop/b.ibd'],
    ['/mnt/nowhere', 'lost_schema'],
    ['/dev/null', 'null'],
    ['nowhere', 'undo001'],
    ['nowhere', 'shop/gvwstate.dat'],
    ['nowhere', 'shop/mine.log'],
  ] as const)
    symlinkSync(target, join(dataDir, name));
  const sockets = ['mysqld.sock', 'shop/s', 'shop/mine.sock'];
  for (const path of sockets) {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(dataDir, path), resolve));
    t.teardown(() => new Promise((resolve) => server.close(resolve)));
  }
  const serverFiles = [
    { kind: 'file', path: 'shop/mine.sock' },
    { kind: 'log', path: 'shop/mine.log' },
  ] as const;
  const inventory = await take(layoutOf({ dataDir, serverFiles }));
  t.strictSame(listed(inventory), ['data: shop/a.ibd', 'data: shop/b.ibd']);
  t.strictSame(
    [...inventory.notFiles].sort(),
    ['lost_schema', 'shop/broken.MYD', 'shop/null', 'shop/pipe', 'shop/s', 'shop/self.MYD', 'undo001'].sort(),
  );
});

t.test('as many binary logs travel as are asked for, the newest, of those that exist', async (t) => {
  const dir = t.testdir({
    data: { 'my.idx': '' },
    logs: { 'bin.000001': '', 'bin.000002': '', 'bin.000003': '', 'bin.000005': '' },
    old: { 'bin.000001': '' },
  });
  const dataDir = join(dir, 'data');
  const layout = layoutOf({ dataDir, logBin: join(dir, 'logs/bin'), logBinIndex: 'my.idx' });
  writeFileSync(
    join(dataDir, 'my.idx'),
    `${dir}/old/bin.000001\n${dir}/logs/bin.000002\n../logs/bin.000003\n${dir}/logs/bin.000004\n`,
  );
  const cases: [maxBinlogs: number, names: string[]][] = [
    [0, []],
    [1, []],
    [2, ['bin.000003']],
    [9, ['bin.000002', 'bin.000003']],
    [-1, ['bin.000002', 'bin.000003']],
  ];
  for (const [maxBinlogs, names] of cases) {
    t.strictSame(
      [...(await take(layout, maxBinlogs)).files].map(({ path }) => path),
      names,
      `${maxBinlogs}`,
    );
  }
  rmSync(join(dataDir, 'my.idx'));
  t.strictSame([...(await take(layout, -1)).files], [], 'without an index');
});

t.test('tables outside the data directory are named', async (t) => {
  const dataDir = t.testdir({ 'my@002dshop': { 'orders.isl': '/srv/orders.ibd', 'orders.frm': '' } });
  t.strictSame((await take(layoutOf({ dataDir }))).external, ['my-shop.orders']);
});

t.test('a file with holes is known as such', async (t) => {
  const dataDir = t.testdir({ shop: { 'full.ibd': 'x'.repeat(200_000), 'holes.ibd': '' } });
  truncateSync(join(dataDir, 'shop/holes.ibd'), 1_000_000);
  const { files } = await take(layoutOf({ dataDir }));
  t.strictSame(Object.fromEntries(Array.from(files, (file) => [file.path, isSparse(file)])), {
    'shop/full.ibd': false,
    'shop/holes.ibd': true,
  });
});

t.test(
  'what a file takes up is told where it is for holes, not where the file system compresses',
  async (t) => {
    const dir = t.testdir({ shop: { 'a.ibd': '', 'b.ibd': '' } });
    truncateSync(join(dir, 'shop/a.ibd'), 1_000_000);
    const layout = layoutOf({ dataDir: dir });
    const asked: string[] = [];
    for (const isElastic of [false, true]) {
      const inventory = await takeInventory(layout, {
        maxBinlogs: 0,
        fileSystemType: (path) => {
          asked.push(dirname(path));
          return isElastic ? 0x9123683e : 0xef53;
        },
      });
      const { files, directories, elasticDevices } = inventory;
      const header = { format: 1, tool: '1', pass: 'offer', binlogs: [], innodbFiles: [] } as const;
      const text = [...encodeManifest({ ...header, files, directories, elasticDevices })].join('');
      const told = [...decodeManifest(linesOf([text]), 'manifest').files].find(
        ({ path }) => path === 'shop/a.ibd',
      );
      t.equal(told?.size, 1_000_000);
      t.equal(told?.allocated, isElastic ? undefined : 0);
      t.ok(
        isSparse(inventory.files.find({ place: 'data', path: 'shop/a.ibd' })!),
        'it is sent with its holes',
      );
    }
    t.strictSame(asked, [join(dir, 'shop'), join(dir, 'shop')], 'each device is asked for once');
  },
);

t.test(
  "of other file systems those have another clock that are not certain to have this host's",
  async (t) => {
    const dataDir = t.testdir({ shop: { 'a.ibd': '' }, links: {}, '.clock': '' });
    const disk = mkdtempSync('/dev/shm/inventory-');
    t.teardown(() => rmSync(disk, { recursive: true }));
    for (const name of ['linked.ibd', 'file.ibd']) writeFileSync(join(disk, name), '');
    symlinkSync(disk, join(dataDir, 'linked'));
    symlinkSync(join(disk, 'file.ibd'), join(dataDir, 'links/file.ibd'));
    const [nfs, ext4] = [0x6969, 0xef53];
    const clockFile = join(dataDir, '.clock');
    const own = statSync(clockFile).dev;
    t.not(statSync(disk).dev, own);
    const cases: readonly [title: string, types: (path: string) => number, foreign: string[]][] = [
      ['a linked schema', (path) => (realpathSync(path).startsWith(disk) ? nfs : ext4), ['linked', 'links']],
      ["the data directory's own", (path) => (realpathSync(path).startsWith(disk) ? ext4 : nfs), []],
      ['both, as their clocks may differ', () => nfs, ['linked', 'links']],
      ['an unknown one', (path) => (realpathSync(path).startsWith(disk) ? 1 : ext4), ['linked', 'links']],
      ['none', () => ext4, []],
      [
        'one that cannot be asked',
        () => {
          throw new Error('ENOENT');
        },
        ['linked', 'links'],
      ],
    ];
    for (const [title, fileSystemType, foreign] of cases) {
      const look = await takeInventory(layoutOf({ dataDir }), { maxBinlogs: 0, clockFile, fileSystemType });
      t.equal(look.files.length, 4);
      const sent = new SentFiles();
      for (const file of look.files) sent.set(file, { ...look, takenMs: Date.now() + 60_000 });
      const again = look.files.filter((file) => mayDiffer(file, sent.get(file)));
      t.strictSame([...new Set(Array.from(again, ({ path }) => dirname(path)))].sort(), foreign, title);
    }
    const { foreignClocks } = await takeInventory(layoutOf({ dataDir }), { maxBinlogs: 0, clockFile });
    t.notOk(foreignClocks?.has(statSync(disk).dev), 'tmpfs, by the number that it has itself');
  },
);

t.test('a name that is not UTF-8 is refused with its directory', async (t) => {
  const dataDir = t.testdir({ shop: {} });
  writeFileSync(Buffer.concat([Buffer.from(`${dataDir}/shop/`), Buffer.from([0xe4, 0x2e])]), '');
  await t.rejects(take(layoutOf({ dataDir })), { code: 'PATH_UNSAFE', message: /\/shop$/ });
});

t.test('an abort ends the walk', async (t) => {
  const dataDir = t.testdir({ shop: {} });
  for (let table = 0; table < 2500; table += 1) writeFileSync(join(dataDir, `shop/t${table}.ibd`), '');
  const lifetime = new AbortController();
  const walk = takeInventory(layoutOf({ dataDir }), { maxBinlogs: 0, signal: lifetime.signal });
  lifetime.abort();
  await t.rejects(walk, { name: 'AbortError' });
});

t.test(
  'what cannot be read is named',
  { skip: process.getuid?.() !== 0 && 'needs root to become another user' },
  async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'inventory-'));
    t.teardown(() => rmSync(dir, { recursive: true }));
    chmodSync(dir, 0o755);
    mkdirSync(join(dir, 'shop/locked'), { recursive: true });
    chmodSync(join(dir, 'shop/locked'), 0o700);
    const layout = layoutOf({ dataDir: dir });
    process.seteuid?.(65_534);
    t.teardown(() => process.seteuid?.(0));
    await t
      .rejects(take(layout), { code: 'FILE_UNREADABLE', message: /EACCES for .*\/shop\/locked$/ })
      .finally(() => process.seteuid?.(0));
  },
);

t.test(
  'a file that cannot be read is named with its owner and mode',
  { skip: process.getuid?.() !== 0 && 'needs root to become another user' },
  async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'inventory-'));
    t.teardown(() => rmSync(dir, { recursive: true }));
    chmodSync(dir, 0o755);
    mkdirSync(join(dir, 'shop'));
    const file = join(dir, 'shop/a.ibd');
    writeFileSync(file, '');
    const layout = layoutOf({ dataDir: dir });
    const group = process.getegid?.() ?? 0;
    const groups = process.getgroups?.() ?? [];
    t.teardown(() => {
      process.seteuid?.(0);
      process.setegid?.(group);
      process.setgroups?.(groups);
    });
    const cases: [mode: number, uid: number, gid: number, isReadable: boolean][] = [
      [0o600, 0, 0, false],
      [0o604, 0, 0, true],
      [0o640, 0, 0, false],
      [0o640, 0, 65_534, true],
      [0o640, 0, 4711, true],
      [0o600, 65_534, 0, true],
      [0o044, 65_534, 0, false],
      [0o604, 0, 65_534, false],
    ];
    for (const [mode, uid, gid, isReadable] of cases) {
      chownSync(file, uid, gid);
      chmodSync(file, mode);
      process.setgroups?.([4711]);
      process.setegid?.(65_534);
      process.seteuid?.(65_534);
      const taken = await take(layout).then(
        () => undefined,
        (error: unknown) => error,
      );
      process.seteuid?.(0);
      process.setegid?.(group);
      const title = `mode ${mode.toString(8)} of ${uid}:${gid}`;
      if (isReadable) t.equal(taken, undefined, title);
      else
        t.match(
          taken,
          {
            code: 'FILE_UNREADABLE',
            message: `expected a readable file, got mode 0${mode.toString(8)} of user ${uid}, group ${gid} for ${file} (EACCES)`,
          },
          title,
        );
    }
  },
);

t.test(
  'the inventory of a real server is all that it has but its own logs and temporary files',
  async (t) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'inventory-'));
    t.teardown(() => rmSync(dataDir, { recursive: true }));
    execFileSync(
      'mariadb-install-db',
      ['--no-defaults', '--user=root', `--datadir=${dataDir}`, '--skip-test-db'],
      {
        stdio: 'ignore',
      },
    );
    const found = execFileSync('find', [dataDir, '-type', 'f', '-printf', '%P %s\n'], { encoding: 'utf8' });
    const inventory = await take(layoutOf({ dataDir }));
    t.strictSame(
      [...inventory.files].map(({ path, size }) => `${path} ${size}`).sort(),
      found
        .trim()
        .split('\n')
        .filter((line) => !/^(?:mysql_upgrade_info|mariadb_upgrade_info|ibtmp1) /.test(line))
        .sort(),
    );
    t.strictSame([...inventory.directories].sort(), ['mysql', 'performance_schema', 'sys']);
    t.ok(inventory.files.length > 150, 'it has the system tables');
  },
);
