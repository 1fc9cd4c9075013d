import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { FileTable, plainFile } from '../../src/datadir/file-table.js';
import { DonorHashes, removeDiffering, withHashesOf } from '../../src/datadir/hashes.js';
import { takeInventory } from '../../src/datadir/inventory.js';
import { layoutOf } from './settings.js';

const { signal } = new AbortController();
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

t.test('under the lock only what has changed is hashed once more', async (t) => {
  const dataDir = t.testdir({ shop: { 'a.MYD': 'one', 'b.MYD': 'two', 'c.MYD': 'three' } });
  const layout = layoutOf({ dataDir });
  const hashes = new DonorHashes(layout);
  const inventory = await takeInventory(layout, { maxBinlogs: 0 });
  const hashOf = (name: string, { files }: typeof inventory): string | undefined =>
    files.find({ place: 'data', path: `shop/${name}` })?.hash;
  const before = await hashes.complete(inventory, signal);
  t.equal(hashOf('a.MYD', before), sha256('one'));

  for (const name of ['a.MYD', 'b.MYD']) writeFileSync(join(dataDir, 'shop', name), 'new');
  writeFileSync(join(dataDir, 'shop/d.MYD'), 'four');
  const later = await takeInventory(layout, { maxBinlogs: 0 });
  const changed = later.files.filter(({ path }) => /[ad]\.MYD/.test(path));
  const after = await hashes.complete(later, signal, { inventory: before, changed });
  t.strictSame(
    ['a.MYD', 'b.MYD', 'c.MYD', 'd.MYD'].map((name) => hashOf(name, after)),
    [sha256('new'), sha256('two'), sha256('three'), sha256('four')],
  );
  t.equal(hashOf('d.MYD', withHashesOf(after, later)), sha256('four'));
  t.equal(hashOf('d.MYD', withHashesOf(before, later)), undefined);
});

t.test('a log table that was written to while it was sent is no other content', async (t) => {
  const names = ['general_log.CSV', 'slow_log.CSV', 'user.MAD'];
  const dataDir = t.testdir({ mysql: Object.fromEntries(names.map((name) => [name, 'one'])) });
  const layout = layoutOf({ dataDir });
  const inventory = await takeInventory(layout, { maxBinlogs: 0 });
  const { files } = await new DonorHashes(layout).complete(inventory, signal);
  for (const name of names) writeFileSync(join(dataDir, 'mysql', name), 'two');
  const writtenUnderLock = ['mysql/general_log.CSV', 'mysql/user.MAD'];
  const removed = await removeDiffering(layout, { files, writtenUnderLock }, signal);
  t.strictSame(removed.map(({ path }) => path).sort(), ['mysql/slow_log.CSV', 'mysql/user.MAD']);
});

t.test('what vanishes before it is hashed has no hash; what cannot be read is an error', async (t) => {
  const dataDir = t.testdir({ shop: { 'a.MYD': 'one', 'b.MYD': {} } });
  const layout = layoutOf({ dataDir });
  const inventory = await takeInventory(layout, { maxBinlogs: 0 });
  rmSync(join(dataDir, 'shop/a.MYD'));
  const { files } = await new DonorHashes(layout).complete(inventory, signal);
  t.strictSame(
    Array.from(files, ({ hash }) => hash),
    [undefined],
  );
  const file = [...inventory.files].map((found) => ({ ...plainFile(found), path: 'shop/b.MYD' }));
  const directory = { ...inventory, files: FileTable.of(file) };
  await t.rejects(new DonorHashes(layout).complete(directory, signal));
});
