import { mkdirSync, writeFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { checkSpace, judgeSpace, type SpaceLeft, type SpaceNeed } from '../../src/datadir/space-check.js';
import type { Manifest } from '../../src/datadir/manifest.js';
import { resolveLayout } from '../../src/datadir/layout.js';
import { settingsOf } from './settings.js';

const need: SpaceNeed = {
  ...{ directory: '/data', place: 'data', bytes: 1000, inodes: 10, replacedBytes: 300, replacedInodes: 4 },
};
const left: SpaceLeft = { bytes: 700, inodes: 6, isElastic: false };

t.test('a copy has to fit into what is free and what it replaces', async (t) => {
  const cases: [
    name: string,
    need: Partial<SpaceNeed>,
    left: Partial<SpaceLeft>,
    severity?: string,
    says?: RegExp,
  ][] = [
    ['it just fits', {}, {}],
    [
      'a byte too much',
      { bytes: 1001 },
      {},
      'error',
      /needs 1001 bytes .* of \/data, which has 700 free and 300 .*: 1 too few/,
    ],
    ['less is replaced', { replacedBytes: 0 }, {}, 'error', /300 too few/],
    [
      'a file too many',
      { inodes: 11 },
      {},
      'error',
      /needs 11 files .* room for 6 more and has 4 .*: 1 too few/,
    ],
    ['inodes are made as needed', { inodes: 1e6 }, { inodes: undefined }],
    ['the file system compresses', { bytes: 5000 }, { isElastic: true }, 'warning', /4000 too few/],
  ];
  for (const [name, changedNeed, changedLeft, severity, says] of cases) {
    const finding = judgeSpace({ ...need, ...changedNeed }, { ...left, ...changedLeft });
    t.equal(finding?.severity, severity, name);
    t.equal(finding?.code, severity && 'DISK_FULL', name);
    if (says !== undefined) t.match(finding?.message, says);
  }
});

t.test('what lies in the directories is counted as replaced, wherever a table comes to lie', async (t) => {
  const settings = settingsOf({ dataDir: t.testdir({}) });
  const layout = resolveLayout(settings, 'node1');
  const { data } = layout.roots;
  const { bavail, bsize } = await statfs(data);
  mkdirSync(join(data, 'shop'));
  const own = 1_000_000;
  writeFileSync(join(data, 'shop/old.ibd'), Buffer.alloc(own, 'x'));
  const offer = (size: number): Manifest => ({
    ...{ format: 1, tool: '1', pass: 'offer', binlogs: [], innodbFiles: [], directories: ['new'] },
    files: [{ place: 'data', path: 'new/t.ibd', size }],
  });
  // Others write to this file system too.
  const slack = 500_000_000;
  const free = bavail * bsize;
  t.strictSame(await checkSpace(layout, offer(Math.max(0, free - slack)), settings), []);
  const [finding] = await checkSpace(layout, offer(free + slack), settings);
  t.match(finding, { severity: 'error', code: 'DISK_FULL', option: 'datadir', where: '/etc/mysql/my.cnf:7' });
  t.match(finding?.message, new RegExp(`has \\d+ free and 1\\d{6} that the copy replaces`));
  const sparse = {
    ...offer(1),
    files: [{ place: 'data', path: 'new/t.ibd', size: free * 2, allocated: 4096 }] as const,
  };
  t.strictSame(await checkSpace(layout, sparse, settings), [], 'holes take no room');
});

t.test('every file counts on its own file system, in whatever order they are offered', async (t) => {
  const settings = settingsOf({ dataDir: t.testdir({ shop: {}, stock: {} }) });
  const layout = resolveLayout(settings, 'node1');
  const { bavail, bsize } = await statfs(layout.roots.data);
  const large = 1e15;
  const offer: Manifest = {
    ...{ format: 1, tool: '1', pass: 'offer', binlogs: [], innodbFiles: [], directories: [] },
    files: [
      { place: 'data', path: 'shop/a.ibd', size: large },
      { place: 'data', path: 'stock/a.ibd', size: large },
      { place: 'binlog', path: 'bin.000001', size: large },
      { place: 'innodb-home', path: 'ibdata1', size: large },
      { place: 'data', path: 'shop/b.ibd', size: large },
      { place: 'data', path: 'not/yet/there.ibd', size: large },
    ],
  };
  const [finding, ...more] = await checkSpace(layout, offer, settings);
  t.ok(bavail * bsize < large);
  t.match(finding?.message, 'the copy needs 5000000000000000 bytes', 'no place here for the binary log');
  t.strictSame(more, []);
});
