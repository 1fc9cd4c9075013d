import { mkdirSync, renameSync, rmdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { fileSystemKinds, mountFileSystem } from '../cluster/mounted.js';
import { mayDiffer } from '../../src/datadir/changes.js';
import { takeInventory, type InventoryFile } from '../../src/datadir/inventory.js';
import type { Place } from '../../src/datadir/layout.js';
import { walkLayout } from '../../src/datadir/walk.js';
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

for (const kind of fileSystemKinds) {
  t.test(
    `on ${kind} a table or directory that is made anew during a look is listed once`,
    { skip: process.getuid?.() !== 0 },
    async (t) => {
      const mounted = mountFileSystem(kind);
      if (mounted === undefined) {
        t.pass(kind, { skip: 'no program to make it with' });
        return;
      }
      t.teardown(() => mounted.unmount());
      const schema = join(mounted.folder, 'data', 'shop');
      mkdirSync(schema, { recursive: true });
      for (let table = 0; table < 2500; table++) {
        writeFileSync(join(schema, `${table}.ibd`), '');
        mkdirSync(join(schema, `${table}.d`));
      }
      const listed: string[] = [];
      // XFS puts a new name where another one has become free, often behind what has been read already (Linux 6.18).
      const makeAnew = (path: string): void => {
        const file = join(mounted.folder, 'data', path);
        const directory = file.replace('.ibd', '.d');
        rmSync(file);
        rmdirSync(directory);
        writeFileSync(`${file}.new`, '');
        writeFileSync(`${directory}.new`, '');
        writeFileSync(file, '');
        mkdirSync(directory);
      };
      const visitor = {
        file: (_: Place, path: string): void => {
          if (path.endsWith('.new')) return;
          if (listed.push(path) <= 100) makeAnew(path);
        },
        directory: (path: string): void => void listed.push(path),
        isListed: (path: string): boolean => listed.includes(path),
      };
      await walkLayout(layoutOf({ dataDir: join(mounted.folder, 'data') }), visitor, {
        named: () => false,
      });
      const twice = listed.filter((path, index) => listed.indexOf(path) !== index);
      t.strictSame(twice, []);
      t.equal(listed.length, 5001, 'and none is left out');
    },
  );
}
