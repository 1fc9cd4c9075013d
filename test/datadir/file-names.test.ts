import fc from 'fast-check';
import t from 'tap';
import { FileNames } from '../../src/datadir/file-names.js';
import { places } from '../../src/datadir/layout.js';

const name = fc.record({
  place: fc.constantFrom(...places),
  path: fc.oneof(
    fc.string({ maxLength: 3 }),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.string({ minLength: 500, maxLength: 2000 }),
  ),
});
const names = fc.uniqueArray(name, { selector: ({ place, path }) => `${place}/${path}`, maxLength: 40 });

t.test('names come out as they were put in, and each is found in its row', async () => {
  fc.assert(
    fc.property(names, fc.nat(40), (all, looksFrom) => {
      const table = new FileNames();
      return (
        all.every((one, row) => {
          // From some row on it is looked for while names are added.
          if (row >= looksFrom && table.rowOf(one) !== undefined) return false;
          return table.add(one) === row;
        }) &&
        table.length === all.length &&
        all.every(
          (one, row) =>
            table.rowOf(one) === row && table.placeAt(row) === one.place && table.pathAt(row) === one.path,
        )
      );
    }),
  );
});

t.test('very many are found, whether they were looked for before all were there or not', async (t) => {
  const pathOf = (row: number): string => `schema_${row % 7}/a table of some length ${row}.ibd`;
  for (const looks of [true, false]) {
    const table = new FileNames();
    if (looks) t.equal(table.rowOf({ place: 'data', path: 'x' }), undefined);
    for (let row = 0; row < 20_000; row++) table.add({ place: 'data', path: pathOf(row) });
    let wrong = 0;
    for (let row = 0; row < 20_000; row++) {
      const path = pathOf(row);
      if (table.rowOf({ place: 'data', path }) !== row || table.pathAt(row) !== path) wrong += 1;
      if (table.rowOf({ place: 'undo', path }) !== undefined) wrong += 1;
    }
    t.equal(wrong, 0);
  }
});

t.test('a name may be longer than what names are kept in', async (t) => {
  const table = new FileNames();
  const all = ['a', 'x'.repeat(300_000), 'b', '\u00e4'.repeat(200_000), 'c'];
  for (const path of all) table.add({ place: 'aria', path });
  t.strictSame(
    all.map((path) => table.rowOf({ place: 'aria', path })),
    [0, 1, 2, 3, 4],
  );
  t.ok(all.every((path, row) => table.pathAt(row) === path));
  t.notOk(table.rowOf({ place: 'aria', path: 'x'.repeat(299_999) }));
});

t.test('a row that is not there is an error of the program', async (t) => {
  t.throws(() => new FileNames().pathAt(0), RangeError);
});
