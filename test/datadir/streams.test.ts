import fc from 'fast-check';
import t from 'tap';
import type { InventoryFile } from '../../src/datadir/inventory.js';
import { fileOverheadBytes, splitIntoStreams, type SplitOptions } from '../../src/datadir/streams.js';

const file = (path: string, size: number): InventoryFile => ({
  place: 'data',
  path,
  size,
  mtimeMs: 0,
  ctimeMs: 0,
  dev: 1,
  ino: 1,
  allocated: 0,
});

const split = (files: readonly InventoryFile[], streams: number, options?: SplitOptions): InventoryFile[][] =>
  splitIntoStreams(files, streams, options).map((stream) => [...stream]);

const work = (files: readonly InventoryFile[]): number =>
  files.reduce((sum, { size }) => sum + size + fileOverheadBytes, 0);

const manySizes = fc
  .tuple(fc.array(fc.nat(2 ** 40), { maxLength: 8 }), fc.integer({ min: 1000, max: 3000 }), fc.nat(1e6))
  .map(([large, count, most]) => [
    ...large,
    ...Array.from({ length: count }, (_, i) => (i * 7919) % (most + 1)),
  ]);

const anyFiles = fc
  .array(fc.oneof(fc.nat(100), fc.nat(1e6), fc.nat(2 ** 40)), { maxLength: 60 })
  .map((sizes) => sizes.map((size, index) => file(`db/t${index}`, size)));

t.test('one large table does not share a stream when others can take the rest', (t) => {
  const files = [file('a/1', 10), file('a/2', 20), file('b/large', 1e9), file('c/3', 30)];
  t.strictSame(
    split(files, 2).map((stream) => stream.map(({ path }) => path)),
    [['b/large'], ['c/3', 'a/2', 'a/1']],
  );
  t.end();
});

t.test('a schema of very many tiny tables is spread over all streams', (t) => {
  const files = Array.from({ length: 1000 }, (_, index) => file(`tiny/t${index}`, 0));
  for (const overheadBytes of [undefined, 0]) {
    t.strictSame(
      split(files, 4, { overheadBytes }).map((stream) => stream.length),
      [250, 250, 250, 250],
    );
  }
  t.end();
});

t.test('very many small files come in stretches, so that streams do not meet in a directory', (t) => {
  const tables = (schema: string, count: number, size: number): InventoryFile[] =>
    Array.from({ length: count }, (_, index) => file(`${schema}/t${index}`, size));
  const four = ['a', 'b', 'c', 'd'].flatMap((schema) => tables(schema, 500, 98_304));
  const schemasOf = (stream: readonly InventoryFile[]): string[] => [
    ...new Set(stream.map(({ path }) => path.slice(0, 1))),
  ];
  t.strictSame(split(four, 2).map(schemasOf), [
    ['a', 'b'],
    ['c', 'd'],
  ]);

  const besideLarge = [
    ...four.slice(0, 1000),
    file('e/large', 30e6),
    ...four.slice(1000),
    file('e/huge', 1e9),
  ];
  const streams = split(besideLarge, 4);
  t.strictSame(streams.map(schemasOf), [['e'], ['e', 'a', 'b'], ['b', 'c'], ['c', 'd']]);
  const [, ...others] = streams.map(work);
  t.ok(Math.max(...others) - Math.min(...others) <= 98_304 + fileOverheadBytes);
  t.equal(streams.flat().length, besideLarge.length);
  t.end();
});

const tiny = (count: number): InventoryFile[] =>
  Array.from({ length: count }, (_, index) => file(`tiny/t${index}`, 16_384 * (1 + (index % 6))));

t.test('beside thousands of tiny tables huge ones have as many streams to themselves as they need', (t) => {
  const rest = tiny(9000);
  const cases = [
    { huge: [1e12], alone: 1 },
    { huge: [1e12, 9e11, 8e11], alone: 3 },
    // Less than a stream's share: filled up with tiny ones to the same work as the others.
    { huge: [1e7], alone: 0 },
    { huge: [1e8, 9e7, 8e7, 7e7, 6e7, 5e7], alone: 0 },
  ];
  for (const { huge, alone } of cases) {
    const large = huge.map((size, index) => file(`a/huge${index}`, size));
    const streams = split([...rest, ...large], 4);
    const [only, others] = [streams.slice(0, alone), streams.slice(alone)];
    t.strictSame(
      only.map((stream) => stream.map(({ size }) => size)),
      huge.slice(0, alone).map((size) => [size]),
      `${huge.length} huge: those larger than the share of a stream have nothing behind them`,
    );
    const works = others.map(work);
    t.ok(
      Math.max(...works) - Math.min(...works) <= 16_384 * 6 + fileOverheadBytes,
      'the others have as much to do as each other, but for one tiny table',
    );
    if (alone === 0) continue;
    const counts = others.map((stream) => stream.length);
    t.ok(Math.max(...counts) - Math.min(...counts) <= 1, `and as many files: ${counts.join(', ')}`);
  }
  t.end();
});

t.test(
  'no stream has more work than the huge table, or 4/3 of what each would have if all had the same',
  (t) => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 40),
        fc.array(fc.nat(1e6), { minLength: 1000, maxLength: 3000 }),
        fc.integer({ min: 1, max: 64 }),
        (huge, sizes, streams) => {
          const files = [file('a/huge', huge), ...sizes.map((size, index) => file(`tiny/t${index}`, size))];
          const most = Math.max(...split(files, streams).map(work));
          return most <= Math.max(huge + fileOverheadBytes, (4 / 3) * (work(files) / streams));
        },
      ),
      { numRuns: 30 },
    );
    t.end();
  },
);

t.test('every file is in exactly one stream, and no stream is empty or one too many', (t) => {
  fc.assert(
    fc.property(anyFiles, fc.integer({ min: 1, max: 12 }), (files, streams) => {
      const all = split(files, streams);
      const paths = all.flat().map(({ path }) => path);
      return (
        all.length === Math.min(streams, files.length) &&
        all.every((stream) => stream.length > 0) &&
        paths.length === files.length &&
        new Set(paths).size === files.length
      );
    }),
  );
  t.end();
});

t.test('no stream has more work than another by more than its last file', (t) => {
  fc.assert(
    fc.property(anyFiles, fc.integer({ min: 1, max: 12 }), (files, streams) => {
      const all = split(files, streams);
      const least = Math.min(...all.map(work));
      return all.every((stream) => work(stream.slice(0, -1)) <= least);
    }),
  );
  t.end();
});

t.test('nor do many small ones make it more than the mean by more than its largest file', (t) => {
  fc.assert(
    fc.property(manySizes, fc.integer({ min: 1, max: 12 }), (sizes, streams) => {
      const files = sizes.map((size, index) => file(`db/t${index}`, size));
      const all = split(files, streams);
      const mean = work(files) / streams;
      const hasTooMuch = (stream: readonly InventoryFile[]): boolean =>
        work(stream) > mean + Math.max(...stream.map(({ size }) => size)) + fileOverheadBytes;
      return (
        all.flat().length === files.length && all.every((stream) => stream.length > 0 && !hasTooMuch(stream))
      );
    }),
    { numRuns: 50 },
  );
  t.end();
});

t.test('the order of the inventory makes no difference to the work that each stream has', (t) => {
  fc.assert(
    fc.property(
      anyFiles.chain((files) =>
        fc.tuple(fc.constant(files), fc.shuffledSubarray(files, { minLength: files.length })),
      ),
      ([files, shuffled]) => split(files, 3).map(work).join() === split(shuffled, 3).map(work).join(),
    ),
  );
  t.end();
});
