import { mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import {
  disownOthers,
  findHeld,
  nothingHeld,
  openedSince,
  type BrokenTransfer,
} from '../../src/datadir/held.js';
import { plainFile } from '../../src/datadir/file-table.js';
import type { Layout } from '../../src/datadir/layout.js';
import type { Manifest, ManifestFile } from '../../src/datadir/manifest.js';
import { layoutOf } from './settings.js';

const takenMs = 1_700_000_100_000;
const size = 100_000;

/** A joiner with the table shop/orders, received in a transfer that broke, and the next offer of the same donor. */
function scene(t: Test): { layout: Layout; offer: Manifest; broken: BrokenTransfer; own: string } {
  const layout = layoutOf({ dataDir: t.testdir({}) });
  const own = join(layout.roots.data, 'shop/orders.ibd');
  mkdirSync(dirname(own), { recursive: true });
  writeFileSync(own, Buffer.alloc(size));
  const file: ManifestFile = {
    ...{ place: 'data', path: 'shop/orders.ibd', size },
    ...{ mtimeMs: 1_700_000_000_123.456, ctimeMs: 1_700_000_000_123.456, ino: 77 },
  };
  utimesSync(own, file.mtimeMs! / 1000, file.mtimeMs! / 1000);
  const offer: Manifest = {
    ...{ format: 1, tool: '1', pass: 'offer', binlogs: [], innodbFiles: [], donorId: 'donor 1', takenMs },
    ...{ files: [file], directories: ['shop'] },
  };
  return { layout, offer, broken: { offer, lastAliveMs: Date.now(), sameBoot: true }, own };
}

const changed = (offer: Manifest, change: Partial<ManifestFile>): Manifest => ({
  ...offer,
  files: Array.from(offer.files, (file) => ({ ...plainFile(file), ...change })),
});

t.test('a table that was received and has not changed since need not be sent again', async (t) => {
  const { layout, offer, broken } = scene(t);
  const held = findHeld(layout, offer, broken);
  t.strictSame(held, {
    complete: [{ place: 'data', path: 'shop/orders.ibd' }],
    completeBytes: size,
    similar: [],
  });
});

const doubts: readonly (readonly [
  why: string,
  change: (s: ReturnType<typeof scene>) => Partial<ReturnType<typeof scene>>,
])[] = [
  ['the donor is another one', ({ offer }) => ({ offer: { ...offer, donorId: 'donor 2' } })],
  [
    'the donor does not say who it is',
    ({ offer, broken }) => ({
      offer: { ...offer, donorId: undefined },
      broken: { ...broken, offer: { ...offer, donorId: undefined } },
    }),
  ],
  ['this host was started anew', ({ broken }) => ({ broken: { ...broken, sameBoot: false } })],
  ['the donor has written to it', ({ offer }) => ({ offer: changed(offer, { mtimeMs: takenMs + 1 }) })],
  [
    'the donor has changed its ctime',
    ({ offer }) => ({ offer: changed(offer, { ctimeMs: takenMs - 9000 }) }),
  ],
  ['it is another file of that name', ({ offer }) => ({ offer: changed(offer, { ino: 78 }) })],
  [
    'it was written to right before it was looked at',
    ({ offer, broken, own }) => {
      const recent = changed(offer, { mtimeMs: takenMs - 1000 });
      utimesSync(own, (takenMs - 1000) / 1000, (takenMs - 1000) / 1000);
      return { offer: recent, broken: { ...broken, offer: recent } };
    },
  ],
  ['its last byte was not received', ({ own }) => (writeFileSync(own, Buffer.alloc(size)), {})],
  ['it is shorter here', ({ own }) => (writeFileSync(own, Buffer.alloc(size - 1)), {})],
];

for (const [why, change] of doubts) {
  t.test(`a table is compared by content when ${why}`, async (t) => {
    const given = scene(t);
    const { layout, offer, broken } = { ...given, ...change(given) };
    const { complete, similar } = findHeld(layout, offer, broken);
    t.strictSame(complete, []);
    t.strictSame(similar, [{ place: 'data', path: 'shop/orders.ibd' }]);
  });
}

t.test(
  'what is not believed once is not believed by the next transfer, which knows its own offer only',
  async (t) => {
    const { layout, offer, broken, own } = scene(t);
    await disownOthers(layout, offer, findHeld(layout, offer, broken));
    t.equal(findHeld(layout, offer, broken).complete.length, 1, 'what is believed keeps its time');
    await disownOthers(layout, offer, nothingHeld);
    t.strictSame(findHeld(layout, offer, broken).complete, []);
    t.equal(statSync(own).size, size, 'and its contents, to be compared');
  },
);

t.test("a donor's table of 1970 is never believed: that is the time of what is not", async (t) => {
  const { layout, offer, broken, own } = scene(t);
  const old = changed(offer, { mtimeMs: 0 });
  utimesSync(own, 0, 0);
  t.strictSame(findHeld(layout, old, { ...broken, offer: old }).complete, []);
});

t.test('times of files that look otherwise are left alone', async (t) => {
  const { layout, offer, own } = scene(t);
  utimesSync(own, 1, 1);
  await disownOthers(layout, offer, nothingHeld);
  t.equal(statSync(own).mtimeMs, 1000);
});

t.test('what is not a table is compared, and sent when it is small or was never offered', async (t) => {
  const { layout, offer, broken } = scene(t);
  for (const path of ['shop/orders.MYD', 'shop/orders.frm']) {
    const other = changed(offer, { path });
    writeFileSync(join(layout.roots.data, path), Buffer.alloc(size));
    const { complete, similar } = findHeld(layout, other, { ...broken, offer: other });
    t.strictSame([complete, similar], [[], [{ place: 'data', path }]], 'it may have changed without a trace');
  }
  t.strictSame(findHeld(layout, offer, { ...broken, offer: { ...offer, files: [] } }).similar, []);
  const small = changed(offer, { size: 5000 });
  t.strictSame(findHeld(layout, small, { ...broken, offer: small }).similar, []);
});

t.test('a server that has written shows, a new owner or a donor whose clock is ahead does not', async (t) => {
  const { layout, broken } = scene(t);
  const log = join(layout.roots.data, 'ib_logfile0');
  writeFileSync(log, 'log');
  t.equal(openedSince(layout, { ...broken, lastAliveMs: Date.now() }), undefined);
  t.equal(openedSince(layout, { ...broken, lastAliveMs: Date.now() - 3000 }), log);
  t.equal(
    openedSince(layout, { sameBoot: false, lastAliveMs: Date.now() - 3000 }),
    undefined,
    'after a power cut',
  );
  utimesSync(log, 1, 1);
  t.equal(openedSince(layout, { ...broken, lastAliveMs: Date.now() - 3000 }), undefined);
  utimesSync(log, Date.now() / 1000 + 1000, Date.now() / 1000 + 1000);
  t.equal(openedSince(layout, { ...broken, lastAliveMs: Date.now() }), undefined);
});
