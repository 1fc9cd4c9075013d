import fc from 'fast-check';
import t from 'tap';
import { plainFile } from '../../src/datadir/file-table.js';
import { places } from '../../src/datadir/layout.js';
import type { Manifest } from '../../src/datadir/manifest.js';
import { decodeManifest, encodeManifest, isSafePath } from '../../src/datadir/manifest.js';
import { linesOf } from '../../src/datadir/text-lines.js';

const small: Manifest = {
  format: 1,
  tool: '0.1.0',
  serverVersion: '10.11.19',
  gtid: '8f4f6d3e-0000-11f0-8000-000000000000:42',
  pass: 'final',
  binlogs: ['mysql-bin.000007'],
  innodbFiles: ['ibdata*'],
  files: [
    { place: 'data', path: 'shop/orders.ibd', size: 98_304, mtimeMs: 1_700_000_000_000.25 },
    { place: 'binlog', path: 'mysql-bin.000007', size: 330 },
  ],
  directories: ['shop'],
};

const decode = (text: string): Manifest => decodeManifest(linesOf([text]), 'manifest of node1');

t.test('the text has a line for each directory and file, and counts at its end', (t) => {
  t.equal(
    [...encodeManifest(small)].join(''),
    [
      '{"format":1,"tool":"0.1.0","serverVersion":"10.11.19","gtid":"8f4f6d3e-0000-11f0-8000-000000000000:42",' +
        '"pass":"final","binlogs":["mysql-bin.000007"],"innodbFiles":["ibdata*"]}',
      '"shop"',
      '[0,"shop/orders.ibd",98304,1700000000000.25]',
      '[5,"mysql-bin.000007",330]',
      '{"files":2,"directories":1}',
      '',
    ].join('\n'),
  );
  t.end();
});

t.test('what was encoded is decoded, whatever the names', (t) => {
  const path = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }).filter((text) => isSafePath(text));
  const manifest = fc.record({
    files: fc.uniqueArray(
      fc.record({
        place: fc.constantFrom(...places),
        path,
        size: fc.maxSafeNat(),
        mtimeMs: fc.double({ min: 0, max: 2e12, noNaN: true }),
      }),
      { selector: (file) => `${file.place} ${file.path}` },
    ),
    directories: fc.uniqueArray(path),
  });
  fc.assert(
    fc.property(manifest, (generated) => {
      const whole: Manifest = { ...small, binlogs: [], ...generated };
      const decoded = decode([...encodeManifest(whole)].join(''));
      // -0 is written as 0
      return (
        JSON.stringify([...decoded.files]) === JSON.stringify(whole.files) &&
        decoded.directories.join('\n') === whole.directories.join('\n')
      );
    }),
  );
  t.end();
});

t.test('a text cut anywhere is refused', (t) => {
  const text = [...encodeManifest(small)].join('');
  for (let length = 0; length < text.length; length += 1) {
    t.throws(() => decode(text.slice(0, length)), { code: 'PEER_PROTOCOL' });
  }
  t.end();
});

t.test('a manifest that could lead out of a directory or says something impossible is refused', (t) => {
  const header = '{"format":1,"tool":"x","pass":"final","binlogs":[],"innodbFiles":[]}';
  const end = (files: number, directories = 0): string => JSON.stringify({ files, directories });
  const cases: [title: string, lines: string[]][] = [
    ['an absolute path', [header, '[0,"/etc/passwd",1]', end(1)]],
    ['a way up', [header, '[0,"db/../../x",1]', end(1)]],
    ['a way up at the end', [header, '[0,"db/..",1]', end(1)]],
    ['a dot', [header, '[0,"./db",1]', end(1)]],
    ['an empty segment', [header, '[0,"db//x",1]', end(1)]],
    ['an empty path', [header, '[0,"",1]', end(1)]],
    ['a trailing slash', [header, '[0,"db/",1]', end(1)]],
    ['a NUL', [header, '[0,"db\\u0000x",1]', end(1)]],
    ['a number as path', [header, '[0,7,1]', end(1)]],
    ['a directory that leads up', [header, '".."', end(0, 1)]],
    ['an unknown place', [header, '[6,"db/x",1]', end(1)]],
    ['a fractional place', [header, '[0.5,"db/x",1]', end(1)]],
    ['a negative size', [header, '[0,"db/x",-1]', end(1)]],
    ['a size beyond 2^53', [header, '[0,"db/x",9007199254740993]', end(1)]],
    ['no size', [header, '[0,"db/x"]', end(1)]],
    ['a time that is text', [header, '[0,"db/x",1,"now"]', end(1)]],
    ['a path twice', [header, '[0,"db/x",1]', '[0,"db/x",1]', end(2)]],
    ['a directory twice', [header, '"db"', '"db"', end(0, 2)]],
    ['a wrong count', [header, '[0,"db/x",1]', end(2)]],
    ['more after the end', [header, end(0), '"db"']],
    ['no header', ['[0,"db/x",1]', end(1)]],
    [
      'a log table that leads up',
      [header.replace('"binlogs"', '"writtenUnderLock":["../x"],"binlogs"'), end(0)],
    ],
    ['an unknown pass', [header.replace('final', 'first'), end(0)]],
    ['another format', [header.replace('1', '2'), end(0)]],
    [
      'a binary log that is not among the files',
      [header.replace('"binlogs":[]', '"binlogs":["b.1"]'), end(0)],
    ],
    ['no JSON', [header, 'null', end(0)]],
    ['broken JSON', [header, '[0,', end(0)]],
  ];
  for (const [title, lines] of cases) {
    t.throws(
      () => decode(`${lines.join('\n')}\n`),
      { code: 'PEER_PROTOCOL', message: /^manifest of node1, line \d+: / },
      title,
    );
  }
  t.end();
});

t.test('the same path may lie in two places, which are two files', (t) => {
  const files: Manifest['files'] = [
    { place: 'undo', path: 'undo001', size: 1 },
    { place: 'innodb-home', path: 'undo001', size: 1 },
  ];
  const decoded = decode([...encodeManifest({ ...small, binlogs: [], files })].join(''));
  t.strictSame(Array.from(decoded.files, plainFile), files);
  t.end();
});
