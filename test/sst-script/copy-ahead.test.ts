import { readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { meet, noteCalls, notedCalls } from '../cluster/scripts.js';
import { Material } from './material.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(120_000);

t.test(
  'what was copied before the lock is brought up to date under it, by connections that are there already',
  async (t) => {
    const folder = t.testdir();
    const donor = (name: string): string => join(folder, 'donor', name);
    const { good, ca } = material;
    const files = `[sst]\ntca=${ca}\ntcert=${good.cert}\ntkey=${good.key}\n`;
    const path = noteCalls(folder, ['rsync']);
    let before: string[][] = [];
    const met = await meet({
      folder,
      path,
      joiner: files,
      donor: `${files}precopy=3\n`,
      whileLocking: () => {
        before = notedCalls(folder).filter((words) => words.includes('--files-from'));
        const log = Buffer.alloc(100_000, 'l');
        log.write('written since', 70_000);
        writeFileSync(donor('ib_logfile0'), log);
        writeFileSync(donor('shop/new.ibd'), 'new');
        writeFileSync(donor('shop/longer.ibd'), Buffer.alloc(700_000, 'n'));
        renameSync(donor('shop/longer.ibd'), donor('shop/orders.ibd'));
        rmSync(donor('shop/orders.frm'));
      },
    });
    t.equal(met.donor.code, 0, met.donor.log);
    t.equal(met.joiner.code, 0, met.joiner.log);
    for (const name of ['ibdata1', 'ib_logfile0', 'shop/orders.ibd', 'shop/new.ibd'])
      t.ok(
        readFileSync(join(folder, 'joiner', name)).equals(readFileSync(donor(name))),
        `${name} is the donor's`,
      );
    t.throws(() => readFileSync(join(folder, 'joiner', 'shop/orders.frm')), { code: 'ENOENT' });

    const ahead = before.filter((words) => words.includes('--whole-file'));
    const waiting = before.filter((words) => words[words.indexOf('--files-from') + 1] === '-');
    t.ok(ahead.length > 0, 'a pass has been made before the lock');
    t.ok(waiting.length > 0, 'and connections wait');
    for (const words of waiting) t.ok(words.includes('--no-whole-file'), 'for the differences');
    const all = notedCalls(folder).filter((words) => words.includes('--files-from'));
    t.equal(all.length, before.length, 'under the lock no other is made');
  },
);

t.test('a table that ends in a hole since it was copied ends in zeros on the joiner, too', async (t) => {
  const folder = t.testdir();
  const table = join(folder, 'donor', 'shop/orders.ibd');
  const { good, ca } = material;
  const files = `[sst]\ntca=${ca}\ntcert=${good.cert}\ntkey=${good.key}\n`;
  const met = await meet({
    folder,
    path: noteCalls(folder, ['rsync']),
    joiner: files,
    donor: `${files}precopy=3\n`,
    whileLocking: () => {
      truncateSync(table, 100_000);
      truncateSync(table, 500_000);
    },
  });
  t.equal(met.donor.code, 0, met.donor.log);
  t.equal(met.joiner.code, 0, met.joiner.log);
  t.ok(readFileSync(join(folder, 'joiner', 'shop/orders.ibd')).equals(readFileSync(table)));
  const comparing = notedCalls(folder).filter((words) => words.includes('--no-whole-file'));
  t.ok(comparing.length > 0);
  for (const words of comparing)
    t.notOk(words.includes('--sparse'), 'older versions of rsync would keep old bytes');
});
