import { existsSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { plainFile } from '../../src/datadir/file-table.js';
import { encodeManifest, type Manifest } from '../../src/datadir/manifest.js';
import {
  lookAtPartialCopy,
  offeredBinlogs,
  partialCopyFile,
  partialCopyIn,
  readBrokenTransfer,
} from '../../src/transfers/partial-copy.js';

const offer: Manifest = {
  ...{ format: 1, tool: '1', pass: 'offer', binlogs: [], innodbFiles: ['ibdata*'], donorId: 'd', takenMs: 5 },
  files: [{ place: 'data', path: 'shop/a.ibd', size: 10, mtimeMs: 1.5, ctimeMs: 2.5, ino: 7 }],
  directories: ['shop'],
};
const text = [...encodeManifest(offer)].join('');
const id = '11111111-2222-3333-4444-555555555555';

t.test(
  'a data directory is marked from the first change to the proof that the copy is complete',
  async (t) => {
    const dir = t.testdir({});
    const partial = partialCopyIn(dir, { id, now: () => new Date() });
    t.equal(lookAtPartialCopy(dir), undefined, 'not before anything is changed');
    partial.leave();
    t.notOk(existsSync(join(dir, partialCopyFile)));
    partial.begin([text]);
    t.match(lookAtPartialCopy(dir), { transferId: id, startedAt: /^20\d\d-/ });
    t.equal(statSync(join(dir, partialCopyFile)).mode & 0o777, 0o600);
    partial.leave();
    t.match(lookAtPartialCopy(dir), { transferId: id }, 'a transfer that breaks leaves it');
    const broken = readBrokenTransfer(dir);
    t.strictSame({ ...broken?.offer, files: Array.from(broken?.offer.files ?? [], plainFile) }, offer);
    t.equal(broken?.sameBoot, true);
    t.ok(Math.abs((broken?.lastAliveMs ?? 0) - Date.now()) < 5000);
    const next = partialCopyIn(dir, { id: 'next', now: () => new Date() });
    next.begin([text]);
    t.match(lookAtPartialCopy(dir), { transferId: 'next' });
    next.complete();
    next.leave();
    t.equal(lookAtPartialCopy(dir), undefined);
  },
);

t.test('the mark tells which binary logs were offered', async (t) => {
  const dir = t.testdir({});
  const names = ['bin.000007', 'bin.000008'];
  const files = names.map((path) => ({ place: 'binlog', path, size: 1 }) as const);
  t.strictSame(offeredBinlogs(dir), [], 'without a mark');
  const partial = partialCopyIn(dir, { id, now: () => new Date() });
  partial.begin([]);
  t.strictSame(offeredBinlogs(dir), [], 'without an offer');
  partial.begin(encodeManifest({ ...offer, files, binlogs: names }));
  partial.leave();
  t.strictSame(offeredBinlogs(dir), names);
  writeFileSync(join(dir, partialCopyFile), 'damaged\n{}\n');
  t.strictSame(offeredBinlogs(dir), []);
});

t.test('what a donor sends without an offer is marked, and nothing of it is believed', async (t) => {
  const dir = t.testdir({});
  const before = partialCopyIn(dir, { id: 'before', now: () => new Date() });
  before.begin([text]);
  before.leave();
  const foreign = partialCopyIn(dir, { id, now: () => new Date() });
  foreign.beginWithoutOffer();
  t.match(lookAtPartialCopy(dir), { transferId: id });
  t.equal(readBrokenTransfer(dir), undefined, 'not even what the one before has offered');
  foreign.complete();
  foreign.beginWithoutOffer();
  t.equal(lookAtPartialCopy(dir), undefined, 'what is complete is not marked again');
  const next = partialCopyIn(dir, { id: 'next', now: () => new Date() });
  next.begin([text]);
  next.beginWithoutOffer();
  next.leave();
  t.ok(readBrokenTransfer(dir), 'an offer stays');
});

t.test('a sign of life is given while the transfer is at work', async (t) => {
  const dir = t.testdir({});
  const file = join(dir, partialCopyFile);
  const partial = partialCopyIn(dir, { id, now: () => new Date() });
  partial.begin([text]);
  utimesSync(file, 1, 1);
  partial.leave();
  t.ok(statSync(file).mtimeMs > 1_000_000, 'the last one when it ends');
});

t.test('a marker that says nothing still marks, and nothing is taken from it', async (t) => {
  const cut = `{"format":1,"transferId":"x","startedAt":"y","bootId":"z"}\n${text.slice(0, -20)}`;
  for (const content of ['', 'garbage', '{"format":2}\n', 'null\n', cut, '\0\0\0']) {
    const dir = t.testdir({});
    writeFileSync(join(dir, partialCopyFile), content);
    t.ok(lookAtPartialCopy(dir), JSON.stringify(content.slice(0, 20)));
    t.equal(readBrokenTransfer(dir), undefined);
  }
  const dir = t.testdir({});
  partialCopyIn(dir, { id, now: () => new Date() }).complete();
  t.equal(readBrokenTransfer(dir), undefined);
});

t.test('after a new start of the host the marker says so', async (t) => {
  const dir = t.testdir({});
  const partial = partialCopyIn(dir, { id, now: () => new Date() });
  partial.begin([text]);
  partial.leave();
  const file = join(dir, partialCopyFile);
  writeFileSync(file, readFileSync(file, 'utf8').replace(/"bootId":"[^"]+"/, '"bootId":"another"'));
  t.equal(readBrokenTransfer(dir)?.sameBoot, false);
});
