import t from 'tap';
import { isInside } from '../../src/datadir/layout.js';
import { layoutOf } from './settings.js';

const dataDir = '/var/lib/mysql';

t.test('everything lies in the data directory unless an option says otherwise', (t) => {
  t.strictSame(layoutOf({ dataDir: '/var/lib//mysql/' }), {
    roots: { data: dataDir, 'innodb-home': dataDir, 'innodb-log': dataDir, undo: dataDir, aria: dataDir },
    innodbFiles: ['ibdata*'],
    bufferPoolFile: 'ib_buffer_pool',
    serverFiles: undefined,
    binlog: undefined,
  });
  t.end();
});

t.test('relative directories are relative to the data directory, absolute ones stand for themselves', (t) => {
  const { roots } = layoutOf({
    dataDir,
    innodbDataHomeDir: 'home/',
    innodbLogGroupHomeDir: './redo//x/..',
    innodbUndoDirectory: '/srv/undo/',
    ariaLogDirPath: '../aria',
  });
  t.strictSame(roots, {
    data: dataDir,
    'innodb-home': '/var/lib/mysql/home',
    'innodb-log': '/var/lib/mysql/redo',
    undo: '/srv/undo',
    aria: '/var/lib/aria',
  });
  t.end();
});

t.test('the system tablespace is where innodb_data_file_path says', (t) => {
  const cases: [filePath: string, home: string | undefined, root: string, files: string[]][] = [
    ['ibdata1:12M:autoextend', undefined, dataDir, ['ibdata1']],
    ['ibdata1:12M;ibdata2:1G:autoextend:max:5G', 'home', `${dataDir}/home`, ['ibdata1', 'ibdata2']],
    ['sub/system:12M', undefined, dataDir, ['sub/system']],
    ['/srv/a/ibdata1:12M', '', '/srv/a', ['ibdata1']],
    ['/srv/a/ibdata1:12M;/srv/b/ibdata2:12M:autoextend', '', '/srv', ['a/ibdata1', 'b/ibdata2']],
    ['/disk1/x:12M;/disk2/x:12M', '', '/', ['disk1/x', 'disk2/x']],
    [`${dataDir}/inno/ibdata1:12M`, '', dataDir, ['inno/ibdata1']],
    ['', '/srv/home', '/srv/home', ['ibdata*']],
  ];
  for (const [innodbDataFilePath, home, root, files] of cases) {
    const given = home === undefined ? {} : { innodbDataHomeDir: home };
    const layout = layoutOf({ dataDir, innodbDataFilePath, ...given });
    t.strictSame([layout.roots['innodb-home'], layout.innodbFiles], [root, files], innodbDataFilePath);
  }
  t.end();
});

t.test('a raw device as system tablespace is refused with the place of the option', (t) => {
  for (const innodbDataFilePath of ['/dev/sdb1:3Gnewraw', 'ibdata1:12M;/dev/sdb1:3Graw', 'ibdata1:12M;']) {
    t.throws(() => layoutOf({ dataDir, innodbDataFilePath }), {
      code: 'OPTION_INVALID',
      option: 'innodb_data_file_path',
      where: '/etc/mysql/my.cnf:7',
    });
  }
  t.end();
});

t.test('the binary log is named as the server names it', (t) => {
  // each measured with mariadbd 10.11.19
  const cases: [
    given: { logBin: string; logBinIndex?: string; logBasename?: string },
    dir: string,
    base: string,
    index: string,
  ][] = [
    [{ logBin: '' }, dataDir, 'node1-bin', `${dataDir}/node1-bin.index`],
    [{ logBin: '', logBasename: 'lb' }, dataDir, 'lb-bin', `${dataDir}/lb-bin.index`],
    [{ logBin: 'mysql-bin' }, dataDir, 'mysql-bin', `${dataDir}/mysql-bin.index`],
    [{ logBin: 'foo.bar' }, dataDir, 'foo', `${dataDir}/foo.index`],
    [{ logBin: 'sub.x/foo.bar.baz' }, `${dataDir}/sub.x`, 'foo', `${dataDir}/sub.x/foo.index`],
    [{ logBin: './x.y' }, dataDir, 'x', `${dataDir}/x.index`],
    [{ logBin: '/srv/log/x' }, '/srv/log', 'x', '/srv/log/x.index'],
    [{ logBin: '/srv/log/x', logBinIndex: 'idx' }, '/srv/log', 'x', `${dataDir}/idx.index`],
    [{ logBin: 'x', logBinIndex: 'my.idx' }, dataDir, 'x', `${dataDir}/my.idx`],
    [{ logBin: 'x', logBinIndex: '/srv/log.d/idx' }, dataDir, 'x', '/srv/log.d/idx.index'],
  ];
  for (const [given, dir, base, index] of cases) {
    t.strictSame(layoutOf({ dataDir, ...given }).binlog, { dir, base, index }, JSON.stringify(given));
  }
  t.end();
});

t.test('a directory holds itself and what is below it, not its neighbours', (t) => {
  const cases: [directory: string, path: string, inside: boolean][] = [
    ['/a', '/a', true],
    ['/a', '/a/b', true],
    ['/a', '/a/..b', true],
    ['/a', '/ab', false],
    ['/a', '/', false],
    ['/', '/a', true],
  ];
  for (const [directory, path, inside] of cases)
    t.equal(isInside(directory, path), inside, `${path} in ${directory}`);
  t.end();
});
