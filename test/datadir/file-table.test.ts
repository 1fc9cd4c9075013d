import fc from 'fast-check';
import t from 'tap';
import { FileTable, pick, plainFile, type ListedFile } from '../../src/datadir/file-table.js';
import { places } from '../../src/datadir/layout.js';

const known = fc.option(fc.double({ min: 0, max: 2 ** 53, noNaN: true }), { nil: undefined });
const files = fc.uniqueArray(
  fc.record(
    {
      place: fc.constantFrom(...places),
      path: fc.string({ maxLength: 3 }),
      size: fc.maxSafeNat(),
      ...{ mtimeMs: known, ctimeMs: known, dev: known, ino: known, allocated: known },
      hash: fc.option(fc.constantFrom('0a', 'ff'), { nil: undefined }),
    },
    { requiredKeys: ['place', 'path', 'size'] },
  ),
  { selector: ({ place, path }) => `${place}/${path}`, maxLength: 50 },
);

/** What is undefined is as good as absent. */
const plain = (file: ListedFile | undefined): string => JSON.stringify(file);
const copyOf = (all: readonly ListedFile[]): FileTable<ListedFile> => FileTable.of(all);

t.test('what was put in comes out, in its order, and is found by place and path', async () => {
  fc.assert(
    fc.property(files, (all) => {
      const table = copyOf(all);
      return (
        table.length === all.length &&
        Array.from(table, plain).join() === all.map(inOrder).join() &&
        all.every((file, row) => table.rowOf(file) === row && plain(table.find(file)) === inOrder(file))
      );
    }),
  );
});

function inOrder({ place, path, size, mtimeMs, ctimeMs, dev, ino, allocated, hash }: ListedFile): string {
  return plain({ place, path, size, mtimeMs, ctimeMs, dev, ino, allocated, hash });
}

t.test('a file is found that came after others were looked for, and none that is not there', async (t) => {
  const table = new FileTable<ListedFile>();
  t.notOk(table.has({ place: 'data', path: 'a' }));
  table.add({ place: 'data', path: 'a', size: 1 });
  t.ok(table.has({ place: 'data', path: 'a' }));
  t.notOk(table.has({ place: 'undo', path: 'a' }), 'in another place');
  t.equal(table.find({ place: 'data', path: 'b' }), undefined);
});

t.test('a file that is put twice is there once, as it was last', async (t) => {
  const table = new FileTable<ListedFile>();
  const name = { place: 'data', path: 'a' } as const;
  t.equal(table.put({ ...name, size: 1, mtimeMs: 5, hash: 'aa' }), 0);
  t.equal(table.put({ place: 'data', path: 'b', size: 2 }), 1);
  t.equal(table.put({ ...name, size: 3 }), 0);
  t.strictSame(Array.from(table, plainFile), [
    { ...name, size: 3 },
    { place: 'data', path: 'b', size: 2 },
  ]);
});

t.test('a selection has what was wanted of its table, and can be selected from', async (t) => {
  const table = copyOf(
    Array.from({ length: 10_000 }, (_, index) => ({ place: 'data', path: `t${index}`, size: index })),
  );
  const large = table.filter(({ size }) => size >= 5000);
  t.equal(large.length, 5000);
  t.equal(large.find({ place: 'data', path: 't5001' })?.size, 5001);
  t.ok(large.has({ place: 'data', path: 't5000' }), 'the first');
  t.ok(large.has({ place: 'data', path: 't9999' }), 'the last');
  t.notOk(large.has({ place: 'data', path: 't4999' }), 'what is in the table only');
  t.equal(large.find({ place: 'data', path: 't4999' }), undefined);
  t.notOk(large.has({ place: 'data', path: 'other' }));
  t.equal(table.length, 10_000);
  const even = large.filter(({ size }) => size % 2 === 0);
  t.equal(even.length, 2500);
  t.equal(even.at(1)?.size, 5002);
  t.equal(even.at(2500), undefined);
  t.equal(even.find({ place: 'data', path: 't5001' }), undefined);
  t.strictSame(
    [...even].slice(0, 2).map(({ path }) => path),
    ['t5000', 't5002'],
  );
  t.equal(table.filter(() => false).length, 0);
});

t.test('any files can be picked from by number, in any order', async (t) => {
  const picked = pick(['a', 'b', 'c'], Uint32Array.of(2, 0));
  t.strictSame([...picked], ['c', 'a']);
  t.strictSame([picked.length, picked.at(0), picked.at(1), picked.at(2)], [2, 'c', 'a', undefined]);
});
