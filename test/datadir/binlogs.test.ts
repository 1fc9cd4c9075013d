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
  adoptBinlogs(layoutOf({ dataDir }), ['bin.000001']);
  t.strictSame(readdirSync(dataDir), []);
  t.end();
});

t.test('received files keep their names and get an index as the server writes it', (t) => {
  const cases: [
    logBin: string,
    logBinIndex: string | undefined,
    directory: string,
    index: string,
    text: string,
  ][] = [
    ['mine', undefined, 'data', 'data/mine.index', './theirs.000007\n./theirs.000008\n'],
    ['logs/mine', undefined, 'data/logs', 'data/logs/mine.index', 'logs/theirs.000007\nlogs/theirs.000008\n'],
    ['logs/mine', 'my.idx', 'data/logs', 'data/my.idx', 'logs/theirs.000007\nlogs/theirs.000008\n'],
    ['../logs/mine', 'idx', 'logs', 'data/idx.index', 'DIR/logs/theirs.000007\nDIR/logs/theirs.000008\n'],
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
    adoptBinlogs(layout, ['theirs.000007', 'theirs.000008']);
    t.equal(readFileSync(join(dir, index), 'utf8').replaceAll(dir, 'DIR'), text, logBin);
    t.equal(readFileSync(join(dir, directory, 'theirs.000008'), 'utf8'), 'theirs.000008');
    t.strictSame(binlogsInIndex(layout), ['theirs.000007', 'theirs.000008']);
  }
  t.end();
});

t.test('names that lead elsewhere or are none of a binary log are refused', (t) => {
  const dataDir = t.testdir({ 'a.000001': '' });
  const layout = layoutOf({ dataDir, logBin: 'bin' });
  for (const names of [['a'], ['../a.000001'], ['a.000001', 'b'], ['a\nb.000001']]) {
    t.throws(() => adoptBinlogs(layout, names), { code: 'PEER_PROTOCOL' });
  }
  t.strictSame(readdirSync(dataDir), ['a.000001']);
  t.end();
});
