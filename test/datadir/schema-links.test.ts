import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { findSchemaLinks } from '../../src/datadir/schema-links.js';
import { layoutOf } from './settings.js';

t.test('schema directories that are links are found with where they lie', (t) => {
  const dir = t.testdir({ data: { real: {}, file: '' }, disk2: { shop: {}, stock: {}, 'a.ibd': '' } });
  const dataDir = join(dir, 'data');
  const links: [name: string, target: string][] = [
    ['shop', join(dir, 'disk2/shop')],
    ['relative', '../disk2/stock'],
    ['twice', '../disk2/shop'],
    ['file-link', join(dir, 'disk2/a.ibd')],
    ['nowhere', 'missing'],
    ['self', 'self'],
    ['other', 'real'],
    ['here', '.'],
    ['up', '..'],
    ['chain', 'nowhere'],
  ];
  for (const [name, target] of links) symlinkSync(target, join(dataDir, name));
  symlinkSync('data', join(dir, 'linked'));
  for (const way of ['data', 'linked']) {
    t.strictSame(
      findSchemaLinks(layoutOf({ dataDir: join(dir, way) })),
      [
        { name: 'relative', target: join(dir, 'disk2/stock') },
        { name: 'shop', target: join(dir, 'disk2/shop') },
      ],
      way,
    );
  }
  t.end();
});

t.test('a data directory that does not exist has no links', (t) => {
  t.strictSame(findSchemaLinks(layoutOf({ dataDir: join(t.testdir({}), 'missing') })), []);
  t.end();
});
