import { mkdirSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { fileSystemKinds, mountFileSystem } from '../cluster/mounted.js';
import { mayDiffer } from '../../src/datadir/changes.js';
import { takeInventory, type InventoryFile } from '../../src/datadir/inventory.js';
import { layoutOf } from './settings.js';

t.setTimeout(120_000);

/** What happens to a table after the inventory of the pass that sends it; all of it within a second or so. */
const changes: Record<string, (table: string, dir: string) => void> = {
  'written while it is read': (table) => writeFileSync(table, 'later'),
  'written, and its time set back': (table) => {
    const { atime, mtime } = statSync(table);
    writeFileSync(table, 'later');
    utimesSync(table, atime, mtime);
  },
  'another file of the same size renamed onto it': (table, dir) => {
    writeFileSync(join(dir, 'x'), 'other');
    renameSync(join(dir, 'x'), table);
  },
  'renamed away and back, and written in between': (table, dir) => {
    renameSync(table, join(dir, 'x'));
    writeFileSync(join(dir, 'x'), 'later');
    renameSync(join(dir, 'x'), table);
  },
};

for (const kind of fileSystemKinds) {
  t.test(
    `on ${kind} what changes during a pass is sent again`,
    { skip: process.getuid?.() !== 0 },
    async (t) => {
      const mounted = mountFileSystem(kind);
      if (mounted === undefined) {
        t.pass(kind, { skip: 'no program to make it with' });
        return;
      }
      t.teardown(() => mounted.unmount());
      for (const [index, [name, change]] of Object.entries(changes).entries()) {
        const dataDir = join(mounted.folder, `data${index}`);
        const dir = join(dataDir, 'shop');
        mkdirSync(dir, { recursive: true });
        const [table, clockFile] = [join(dir, 'orders.ibd'), join(dataDir, '.clock')];
        for (const file of [table, clockFile]) writeFileSync(file, 'first');
        const take = async (): Promise<{ takenMs: number; table: InventoryFile }> => {
          const { takenMs, files } = await takeInventory(layoutOf({ dataDir }), { maxBinlogs: 0, clockFile });
          return { takenMs, table: files.find({ place: 'data', path: 'shop/orders.ibd' })! };
        };
        const sent = await take();
        t.ok(sent.takenMs <= Date.now());
        change(table, dir);
        const now = (await take()).table;
        t.equal(mayDiffer(now, { file: sent.table, passStartedMs: sent.takenMs }), true, name);
        // The same had the table been old when the pass began: then only what the change itself shows counts.
        const old = { ...sent.table, mtimeMs: sent.takenMs - 3_600_000, ctimeMs: sent.takenMs - 3_600_000 };
        t.equal(
          mayDiffer(now, { file: old, passStartedMs: sent.takenMs }),
          true,
          `${name}, after an hour of rest`,
        );
      }
    },
  );
}
