import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { adoptBinlogs, binlogsInIndex, clearBinlogs } from '../../src/datadir/binlogs.js';
import { layoutOf } from './settings.js';

t.test("the joiner's binary logs go, indexed or not, and nothing else", (t) => {
  const dir = t.testdir({
    data: {
      'bin.index': '',
      'bin.000002': '',
      'bin.000003': '',
      'bin.000003.idx': '',
      'bin.state': '',
      'bin.txt': '',
      'bin2.000001': '',
      'bin.000001x': '',
      ibdata1: '',
      'ib.000001': '',
    },
    old: { 'bin.000001': '', 'bin.000001.idx': '', precious: '' },
  });
  const dataDir = join(dir, 'data');
  writeFileSync(
    join(dataDir, 'bin.index'),
    `${dir}/old/bin.000001\n${dir}/old/precious\n./bin.000002\n./bin.000009\n`,
  );
  clearBinlogs(layoutOf({ dataDir, logBin: 'bin' }));
  t.strictSame(readdirSync(dataDir).sort(), [
    'bin.000001x',
    'bin.txt',
    'bin2.000001',
    'ib.000001',
    'ibdata1',
  ]);
  t.strictSame(readdirSync(join(dir, 'old')), ['precious']);
  t.end();
});

t.test('a server without binary log or without its directory has nothing to clear', (t) => {
  const dataDir = t.testdir({});
  t.strictSame(clearBinlogs(layoutOf({ dataDir })), { removed: 0 });
  t.doesNotThrow(() => clearBinlogs(layoutOf({ dataDir, logBin: 'missing/bin' })));
  t.strictSame(adoptBinlogs(layoutOf({ dataDir }), ['bin.000001']), []);
  t.end();
});

t.test("received files get the joiner's name and an index as the server writes it", (t) => {
  const cases: [
    logBin: string,
    logBinIndex: string | undefined,
    directory: string,
    index: string,
    text: string,
  ][] = [
    ['mine', undefined, 'data', 'data/mine.index', './mine.000007\n./mine.000008\n'],
    ['logs/mine', undefined, 'data/logs', 'data/logs/mine.index', 'logs/mine.000007\nlogs/mine.000008\n'],
    ['logs/mine', 'my.idx', 'data/logs', 'data/my.idx', 'logs/mine.000007\nlogs/mine.000008\n'],
    ['../logs/mine', 'idx', 'logs', 'data/idx.index', 'DIR/logs/mine.000007\nDIR/logs/mine.000008\n'],
  ];
  for (const [logBin, logBinIndex, directory, index, text] of cases) {
    const dir = t.testdir({ data: {} });
    mkdirSync(join(dir, directory), { recursive: true });
    for (const name of ['theirs.000007', 'theirs.000008']) writeFileSync(join(dir, directory, name), name);
    const layout = layoutOf({
      dataDir: join(dir, 'data'),
      logBin,
      ...(logBinIndex === undefined ? {} : { logBinIndex }),
    });
    t.strictSame(adoptBinlogs(layout, ['theirs.000007', 'theirs.000008']), ['mine.000007', 'mine.000008']);
    t.equal(readFileSync(join(dir, index), 'utf8').replaceAll(dir, 'DIR'), text, logBin);
    t.equal(readFileSync(join(dir, directory, 'mine.000008'), 'utf8'), 'theirs.000008');
    t.strictSame(binlogsInIndex(layout), ['mine.000007', 'mine.000008']);
  }
  t.end();
});

t.test('files that have the right name already keep it', (t) => {
  const dataDir = t.testdir({ 'bin.000001': 'one' });
  adoptBinlogs(layoutOf({ dataDir, logBin: 'bin' }), ['bin.000001']);
  t.strictSame(readdirSync(dataDir).sort(), ['bin.000001', 'bin.index']);
  t.end();
});

t.test(
  'names that would overwrite each other or lead elsewhere are refused before anything is renamed',
  (t) => {
    const dataDir = t.testdir({ 'a.000001': '', 'b.000001': '' });
    const layout = layoutOf({ dataDir, logBin: 'bin' });
    for (const names of [['a.000001', 'b.000001'], ['a'], ['../a.000001'], ['a.000001', 'a.000001']]) {
      t.throws(() => adoptBinlogs(layout, names), { code: 'PEER_PROTOCOL' });
    }
    t.strictSame(readdirSync(dataDir).sort(), ['a.000001', 'b.000001']);
    t.end();
  },
);
