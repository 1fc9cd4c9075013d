import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { marginMs } from '../../src/datadir/changes.js';
import { nameOf, openFiles } from '../../src/processes/proc.js';
import { processIds } from '../lab/commands.js';
import { meet, noteCalls, notedCalls } from '../cluster/scripts.js';
import { Material } from './material.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(120_000);
const { good, ca } = material;
const files = `[sst]\ntca=${ca}\ntcert=${good.cert}\ntkey=${good.key}\n`;

t.test(
  'what was copied before the lock is brought up to date under it, by connections that are there already',
  async (t) => {
    const folder = t.testdir();
    const donor = (name: string): string => join(folder, 'donor', name);
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

t.test(
  'a pass that lasts ends with the connections for the lock standing: the lock is asked for at once',
  async (t) => {
    const folder = t.testdir();
    const filler = join(folder, 'donor', 'shop');
    mkdirSync(filler, { recursive: true });
    for (const name of ['a.ibd', 'b.ibd', 'c.ibd', 'd.ibd'])
      writeFileSync(join(filler, name), randomBytes(1_000_000));
    const met = await meet({
      folder,
      joiner: files,
      donor: `${files}precopy=1\nrlimit=1m\nbackup-threads=2\n`,
    });
    t.equal(met.donor.code, 0, met.donor.log);
    t.equal(met.joiner.code, 0, met.joiner.log);
    const events = [...met.donor.log.matchAll(/copy stream 1:|pass 1, while|waiting for lock/g)].map(
      ([words]) => words,
    );
    t.strictSame(events, ['copy stream 1:', 'pass 1, while', 'waiting for lock']);
  },
);

t.test('a table that ends in a hole since it was copied ends in zeros on the joiner, too', async (t) => {
  const folder = t.testdir();
  const table = join(folder, 'donor', 'shop/orders.ibd');
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

/** An rsync that does something before it becomes the real one; gives the folder for PATH. */
function prepared(folder: string, before: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'rsync'), `#!/bin/sh\n${before}\nexec /usr/bin/rsync "$@"\n`, { mode: 0o755 });
  return bin;
}

t.test(
  'of many files, those that were made after the offer and are gone under the lock are gone on both sides',
  async (t) => {
    const folder = t.testdir({ joiner: {} });
    const shop = join(folder, 'donor/shop');
    mkdirSync(shop, { recursive: true });
    for (let number = 0; number < 2000; number++) writeFileSync(join(shop, `t${number}.ibd`), 'rows');
    // What is younger than that counts as changed in each pass.
    await setTimeout(marginMs + 1000);
    const made = `mkdir -p '${shop}_x'; touch '${shop}_x/db.opt'; for n in $(seq 150); do echo >'${shop}'/made$n.ibd; done`;
    const met = await meet({
      folder,
      path: prepared(folder, `case " $* " in *pass-1-stream-1.list*) ${made};; esac`),
      joiner: files,
      donor: `${files}precopy=3\n`,
      whileLocking: () => {
        for (let number = 1; number <= 150; number++) rmSync(join(shop, `made${number}.ibd`));
        rmSync(`${shop}_x`, { recursive: true });
      },
    });
    t.equal(met.donor.code, 0, met.donor.log);
    t.equal(met.joiner.code, 0, met.joiner.log);
    t.match(met.donor.log, /pass 2, while the server writes: sent 15\d files/);
    t.strictSame(readdirSync(join(folder, 'joiner/shop')).sort(), readdirSync(shop).sort());
    t.notOk(existsSync(join(folder, 'joiner/shop_x')), 'and so is their schema');
  },
);

t.test('a schema that is dropped while it is sent, and is a link on the joiner, is no error', async (t) => {
  const folder = t.testdir({ joiner: {}, disk: { shop: { 'old.ibd': 'old' } } });
  symlinkSync(join(folder, 'disk/shop'), join(folder, 'joiner/shop'));
  const shop = join(folder, 'donor/shop');
  const met = await meet({
    folder,
    path: prepared(folder, `case " $* " in *_sst-link0/*) rm -rf '${shop}';; esac`),
    joiner: files,
    donor: `${files}precopy=3\n`,
  });
  t.equal(met.donor.code, 0, met.donor.log);
  t.equal(met.joiner.code, 0, met.joiner.log);
  t.notOk(existsSync(shop), 'it was dropped in between');
  t.notMatch(met.joiner.log, /unexpectedly closed/, 'to the joiner the donor is not lost');
  t.notOk(existsSync(join(folder, 'joiner/shop')));
  t.ok(existsSync(join(folder, 'joiner/ibdata1')));
});

t.test('a schema that is a link on the joiner is filled behind the link', async (t) => {
  const folder = t.testdir({
    joiner: {},
    disk: { shop: { 'old.ibd': 'old' } },
    donor: { shop: { sub: { 'a.MYD': 'rows' } } },
  });
  symlinkSync(join(folder, 'disk/shop'), join(folder, 'joiner/shop'));
  const met = await meet({ folder, joiner: files, donor: `${files}precopy=3\n` });
  t.equal(met.donor.code, 0, met.donor.log);
  t.equal(met.joiner.code, 0, met.joiner.log);
  for (const name of ['orders.ibd', 'orders.frm', 'sub/a.MYD'])
    t.ok(
      readFileSync(join(folder, 'disk/shop', name)).equals(readFileSync(join(folder, 'donor/shop', name))),
      name,
    );
  t.notOk(existsSync(join(folder, 'disk/shop/old.ibd')));
});

t.test('a log of Aria that a checkpoint removes under the lock is not missed', async (t) => {
  const folder = t.testdir({ donor: { 'aria_log.00000001': 'first log' } });
  const aria = (number: number): string => join(folder, `donor/aria_log.0000000${number}`);
  const met = await meet({
    folder,
    // The clients that wait for the lock get their names from a file then.
    path: prepared(
      folder,
      `echo "$*" >> "${folder}/calls"
       case " $* " in *" --files-from - "*)
         cat > "${folder}/names.$$"
         if test -e '${aria(1)}'; then rm '${aria(1)}'; printf 'next log' > '${aria(2)}'; fi
         exec < "${folder}/names.$$";;
       esac`,
    ),
    joiner: files,
    donor: `${files}precopy=3\nbackup-threads=1\n`,
  });
  t.equal(met.donor.code, 0, met.donor.log);
  t.equal(met.joiner.code, 0, met.joiner.log);
  t.notOk(existsSync(join(folder, 'joiner/aria_log.00000001')));
  t.equal(readFileSync(join(folder, 'joiner/aria_log.00000002'), 'utf8'), 'next log');
  t.match(met.donor.log, /1 files have changed under the lock, or may have \(aria_log\.00000002\)/);
  const [, ...afterLock] = readFileSync(join(folder, 'calls'), 'utf8')
    .split(/^.*waiting .*inbox.*\n/m)
    .slice(1);
  t.notMatch(
    afterLock.join(''),
    /--files-from \//,
    'what has changed is sent over a connection that waits for it',
  );
});

t.test(
  'a table that is written while it is read, before and behind where that is, arrives as it is in the end',
  async (t) => {
    const folder = t.testdir();
    const name = 'shop/large.ibd';
    const [atDonor, atJoiner] = ['donor', 'joiner'].map((node) => join(folder, node, name)) as [
      string,
      string,
    ];
    const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    let watch: NodeJS.Timeout | undefined;
    t.teardown(() => clearInterval(watch));
    let writtenAt = 0;
    const met = await meet({
      folder,
      joiner: files,
      donor: `${files}precopy=1\nrlimit=2m\n`,
      addToDonor: () => {
        writeFileSync(atDonor, randomBytes(6_000_000));
        watch = setInterval(() => {
          writtenAt = sizeOf(atJoiner);
          if (writtenAt < 2_000_000) return;
          clearInterval(watch);
          const table = openSync(atDonor, 'r+');
          for (const position of [0, 5_900_000]) writeSync(table, 'written meanwhile', position);
          closeSync(table);
        }, 5);
      },
    });
    t.ok(writtenAt >= 2_000_000 && writtenAt < 5_900_000, 'in the middle of it', { writtenAt });
    t.equal(met.donor.code, 0, met.donor.log);
    t.equal(met.joiner.code, 0, met.joiner.log);
    t.ok(readFileSync(atJoiner).equals(readFileSync(atDonor)), 'as it is in the end');
    t.equal(readFileSync(atDonor, 'utf8').startsWith('written meanwhile'), true);
  },
);

t.test('what is written between the last file and its hash is sent again, and hashed again', async (t) => {
  const folder = t.testdir({ donor: { 'aria_log.00000001': 'first log' } });
  const inDonor = (name: string): string => join(folder, 'donor', name);
  const checked = `${files}verify=checksum\n`;
  const large = inDonor('shop/large.MYD');
  let hashing: NodeJS.Timeout | undefined;
  t.teardown(() => clearInterval(hashing));
  let hasWritten = false;
  const met = await meet({
    folder,
    joiner: checked,
    donor: checked,
    addToDonor: () => {
      // Holes, which take time to be read alone.
      writeFileSync(large, '');
      truncateSync(large, 1_000_000_000);
    },
    whileLocking: () => {
      hashing = setInterval(() => {
        // Node 24 calls itself MainThread.
        const isHashed = processIds().some(
          (pid) => nameOf(pid) !== 'rsync' && openFiles(pid).includes(large),
        );
        if (!isHashed) return;
        clearInterval(hashing);
        writeFileSync(inDonor('aria_log.00000001'), 'later log');
        hasWritten = true;
      }, 5);
    },
  });
  t.ok(hasWritten, 'before the hash of the log was taken, but after it was sent');
  t.equal(met.donor.code, 0, met.donor.log);
  t.equal(met.joiner.code, 0, met.joiner.log);
  t.equal(readFileSync(join(folder, 'joiner/aria_log.00000001'), 'utf8'), 'later log');
  t.match(met.donor.log, /1 files have changed under the lock, or may have \(aria_log\.00000001\)/);
});
