import t from 'tap';
import { externalTableOf } from '../../src/datadir/external-tables.js';

t.test('a pointer file tells the table by the names that an administrator knows', (t) => {
  const cases: [path: string, table: string | undefined][] = [
    ['shop/orders.isl', 'shop.orders'],
    ['my@002dshop/gr@00f6@00dfe.isl', 'my-shop.größe'],
    ['shop/parts#P#p0.isl', 'shop.parts#P#p0'],
    ['shop/orders.ibd', undefined],
    ['shop/isl', undefined],
  ];
  for (const [path, table] of cases) t.equal(externalTableOf(path), table, path);
  t.end();
});
