import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { fileInProgress, withFiles } from '../../src/observe/files-in-progress.js';
import type { TransferStatus } from '../../src/observe/status.js';

t.test('the file in progress is the one opened last, but none of ours', async (t) => {
  const list = '/tmp/galera-sst-tunnel-Ab12/copy-stream-1.list';
  const cases: [string[], string | undefined][] = [
    [[], undefined],
    [[list], undefined],
    [[list, '/var/lib/mysql/a/b.ibd'], 'a/b.ibd'],
    [['/var/lib/mysql/a/b.ibd', list], 'a/b.ibd'],
    [['/undo/undo001'], '/undo/undo001'],
  ];
  for (const [paths, expected] of cases) t.equal(fileInProgress(paths, '/var/lib/mysql'), expected);
  const inherited = ['/etc/ssl/node.crt', '/var/lib/mysql/a/b.ibd'];
  const inheriting: [string[], string | undefined][] = [
    [['/etc/ssl/node.crt'], undefined],
    [['/undo/undo001', '/etc/ssl/node.crt'], '/undo/undo001'],
    [['/var/lib/mysql/a/b.ibd'], 'a/b.ibd'],
  ];
  for (const [paths, expected] of inheriting)
    t.equal(fileInProgress(paths, '/var/lib/mysql', inherited), expected);
});

t.test('it is read from the descriptors of the process', async (t) => {
  const dataDir = t.testdir();
  writeFileSync(join(dataDir, 'table.ibd'), '');
  const descriptor = openSync(join(dataDir, 'table.ibd'), 'r');
  t.teardown(() => closeSync(descriptor));
  const streams = [
    { name: 'stream 1', bytesDone: 0, pid: process.pid },
    { name: 'stream 2', bytesDone: 0 },
    { name: 'stream 3', bytesDone: 0, pid: 2 ** 22 + 1 },
  ];
  const shown = withFiles({ dataDir, streams: [...streams] } as unknown as TransferStatus);
  t.strictSame(
    shown.streams.map(({ file }) => file),
    ['table.ibd', undefined, undefined],
  );
});
