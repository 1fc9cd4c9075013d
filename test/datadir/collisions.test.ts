import { realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { findCollisions } from '../../src/datadir/collisions.js';
import type { FileName } from '../../src/datadir/file-table.js';
import { layoutOf } from './settings.js';

const cases: readonly {
  readonly title: string;
  readonly offered: readonly FileName[];
  readonly own?: string;
  readonly log?: string;
  readonly found?: RegExp;
}[] = [
  {
    title: 'a key that the donor has a file for',
    own: 'secrets/server.key',
    offered: [{ place: 'data', path: 'secrets/server.key' }],
    found:
      /the donor has a file secrets\/server\.key .*\/data\/secrets\/server\.key is a file of this node's own/,
  },
  {
    title: 'a key behind a link',
    own: '../link.key',
    offered: [{ place: 'data', path: 'secrets/server.key' }],
    found: /secrets\/server\.key .*\/link\.key is/,
  },
  {
    title: 'a key on the disk of a schema that is a link',
    own: '../disk/server.key',
    offered: [{ place: 'data', path: 'linked/server.key' }],
    found: /the donor has a file linked\/server\.key/,
  },
  {
    title: 'a redo log, twice',
    log: 'redo',
    offered: [
      { place: 'innodb-log', path: 'ib_logfile0' },
      { place: 'data', path: 'redo/ib_logfile0' },
    ],
    found: /the donor has a file redo\/ib_logfile0 .* is this node's innodb-log/,
  },
  {
    title: 'other files beside the key',
    own: 'secrets/server.key',
    offered: [{ place: 'data', path: 'secrets/other.key' }],
  },
  {
    title: 'files of the same name elsewhere',
    own: '../secrets/server.key',
    log: 'redo',
    offered: [
      { place: 'data', path: 'secrets/server.key' },
      { place: 'data', path: 'old/ib_logfile0' },
      { place: 'innodb-log', path: 'ib_logfile0' },
    ],
  },
];

for (const { title, offered, own, log, found } of cases) {
  t.test(title, (t) => {
    const dir = realpathSync(t.testdir({ data: { secrets: { 'server.key': '' } }, disk: {}, secrets: {} }));
    const data = join(dir, 'data');
    symlinkSync(join(data, 'secrets/server.key'), join(dir, 'link.key'));
    symlinkSync(join(dir, 'disk'), join(data, 'linked'));
    const serverFiles = own === undefined ? [] : [{ kind: 'file' as const, path: own }];
    const redo = log === undefined ? {} : { innodbLogGroupHomeDir: log };
    const layout = layoutOf({ dataDir: data, ...redo, serverFiles });
    const files = offered.map((file) => ({ ...file, size: 1 }));
    const findings = findCollisions(layout, { files });
    t.strictSame(
      findings.map(({ code }) => code),
      found === undefined ? [] : ['FILE_EXISTS'],
    );
    if (found !== undefined) t.match(findings[0]?.message, found);
    t.end();
  });
}
