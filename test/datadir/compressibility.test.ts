import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sampleData, samplePlaces } from '../../src/datadir/compressibility.js';
import type { InventoryFile } from '../../src/datadir/inventory.js';
import type { Layout } from '../../src/datadir/layout.js';

const file = (path: string, size: number): InventoryFile => ({
  ...{ place: 'data', path, size, mtimeMs: 0, ctimeMs: 0, dev: 1, ino: 1, allocated: size, sparse: false },
});

t.test('samples lie at equal distances over all files, in large ones more of them', async (t) => {
  const places = samplePlaces([file('small', 100), file('empty', 0), file('large', 700)], 8);
  t.strictSame(
    places.map(({ file: { path }, offset }) => [path, offset]),
    [['small', 50], ...[50, 150, 250, 350, 450, 550, 650].map((offset) => ['large', offset])],
  );
  t.strictSame(samplePlaces([file('empty', 0)], 8), []);
  t.strictSame(samplePlaces([], 8), []);
});

t.test('the ratio tells text from what is compressed or encrypted already', async (t) => {
  const dir = t.testdir();
  const mib = 1024 * 1024;
  writeFileSync(join(dir, 'random.ibd'), randomBytes(4 * mib));
  writeFileSync(join(dir, 'text.ibd'), 'order line, qty '.repeat(mib / 4));
  writeFileSync(join(dir, 'shrunk.ibd'), '');
  const layout = { roots: { data: dir } } as unknown as Layout;
  const ratioOf = async (...files: InventoryFile[]): Promise<number | undefined> =>
    (await sampleData(layout, files))?.ratio;
  const [random, text] = [file('random.ibd', 4 * mib), file('text.ibd', 4 * mib)];
  t.ok(((await ratioOf(random)) ?? 0) > 0.99);
  t.ok(((await ratioOf(text)) ?? 1) < 0.05);
  const half = (await ratioOf(random, text)) ?? 0;
  t.ok(half > 0.45 && half < 0.55, 'by their sizes', { half });
  t.equal(await ratioOf(file('gone.ibd', mib)), undefined, 'what has vanished is passed over');
  t.equal(await ratioOf(file('shrunk.ibd', mib)), undefined, 'and what has become smaller');
  t.ok(((await ratioOf(file('gone.ibd', mib), text)) ?? 1) < 0.05);
});
