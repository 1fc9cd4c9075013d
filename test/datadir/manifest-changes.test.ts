import fc from 'fast-check';
import t from 'tap';
import { FileTable } from '../../src/datadir/file-table.js';
import type { InventoryFile } from '../../src/datadir/inventory.js';
import { changesSince, withChanges } from '../../src/datadir/manifest-changes.js';
import { decodeManifest, encodeManifest, type Manifest } from '../../src/datadir/manifest.js';
import { linesOf } from '../../src/datadir/text-lines.js';

const tableOf = (files: readonly InventoryFile[]): FileTable<InventoryFile> => FileTable.of(files);

const file = (path: string, size = 1, ctimeMs = 5): InventoryFile => ({
  ...{ place: 'data', path, size, mtimeMs: 5, ctimeMs, dev: 1, ino: 1, allocated: size },
});

/** A donor's manifest, as far as it is the same from the first to the last. */
const manifest = { format: 1, tool: '1.0.0', binlogs: [], innodbFiles: [], directories: ['shop'] } as const;

const offerOf = (files: readonly InventoryFile[]): Manifest =>
  decode({ ...manifest, pass: 'offer', files: tableOf(files) });

/** What arrives of it. */
function decode(sent: Manifest): Manifest {
  return decodeManifest(linesOf(encodeManifest(sent)), 'the manifest');
}

function tell(
  offered: readonly InventoryFile[],
  final: readonly InventoryFile[],
  again: readonly InventoryFile[] = [],
  unoffered: readonly InventoryFile[] = [],
): Manifest {
  const whole = { ...manifest, pass: 'final', files: tableOf(final) } as const;
  return decode(
    changesSince(tableOf(offered), whole, { again: tableOf(again), unoffered: tableOf(unoffered) }),
  );
}

const namesOf = ({ files }: Pick<Manifest, 'files'>): string[] => Array.from(files, ({ path }) => path);

t.test('told is what is new, looks different, was sent again or is gone, and nothing else', async (t) => {
  const offered = ['same', 'grown', 'touched', 'gone', 'again'].map((path) => file(path));
  const final = [file('same'), file('grown', 2), file('touched', 1, 6), file('again'), file('new')];
  const told = tell(offered, final, [file('again')]);
  t.strictSame(namesOf(told), ['grown', 'touched', 'again', 'new']);
  t.strictSame(told.gone, [{ place: 'data', path: 'gone' }]);
  t.strictSame(told.sinceOffer, { files: 5, bytes: 6 });
  t.strictSame(told.directories, ['shop']);
  const whole = withChanges(offerOf(offered), told);
  t.equal(whole.sinceOffer, undefined);
  t.strictSame(namesOf(whole).sort(), final.map(({ path }) => path).sort());
  t.equal(FileTable.of(whole.files).find({ place: 'data', path: 'grown' })?.size, 2);
});

t.test('everything is told where something was sent that had not been offered and is gone', async (t) => {
  const offered = [file('a'), file('b')];
  const final = [file('a'), file('new')];
  t.ok(tell(offered, final, [file('new')], [file('new')]).sinceOffer, 'what is there is no reason');
  const told = tell(offered, final, [file('new'), file('temporary')], [file('new'), file('temporary')]);
  t.equal(told.sinceOffer, undefined);
  t.strictSame(namesOf(told), ['a', 'new']);
});

const files = fc.uniqueArray(
  fc.record({ path: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), size: fc.nat(2), ctimeMs: fc.nat(1) }),
  { selector: ({ path }) => path },
);

t.test('offer and changes together are the whole', async () => {
  const sorted = ({ files: all }: Pick<Manifest, 'files'>): string =>
    Array.from(all, ({ place, path, size, mtimeMs }) => JSON.stringify({ place, path, size, mtimeMs }))
      .sort()
      .join();
  fc.assert(
    fc.property(files, files, files, (before, after, sentAgain) => {
      const [offered, final, again] = [before, after, sentAgain].map((all) =>
        all.map(({ path, size, ctimeMs }) => file(path, size, ctimeMs)),
      ) as [InventoryFile[], InventoryFile[], InventoryFile[]];
      const told = tell(offered, final, again);
      const namesTold = namesOf(told);
      return (
        sorted(withChanges(offerOf(offered), told)) === sorted({ files: final }) &&
        again.every(({ path }) => namesTold.includes(path) || !final.some((one) => one.path === path))
      );
    }),
  );
});

t.test('what does not go with the offer is refused', async (t) => {
  const offered = [file('a'), file('b')];
  const told = tell(offered, [file('a', 7), file('b')]);
  t.equal(withChanges(offerOf(offered), told).files.length, 2);
  t.throws(() => withChanges(offerOf([file('a')]), told), { code: 'PEER_PROTOCOL' }, 'another offer');
  t.throws(() => withChanges(offerOf([file('a'), file('b', 2)]), told), { code: 'PEER_PROTOCOL' }, 'bytes');
  const stray = { ...told, binlogs: ['bin.000001'] };
  t.throws(() => withChanges(offerOf(offered), stray), { code: 'PEER_PROTOCOL' }, 'a binary log');
  const all = decode({ ...manifest, pass: 'final', files: tableOf(offered) });
  t.equal(withChanges(offerOf([]), all), all, 'a manifest of everything needs no offer');
});

t.test('only changes may name what is gone', async (t) => {
  const lines = (header: object): string[] => [
    JSON.stringify({ ...manifest, directories: undefined, pass: 'final', ...header }),
    '[0,"gone"]',
    '{"files":0,"directories":0,"gone":1}',
  ];
  const since = { sinceOffer: { files: 0, bytes: 0 } };
  t.strictSame(Array.from(decodeManifest(lines(since), 'it').gone ?? [], plainName), ['data/gone']);
  t.throws(() => decodeManifest(lines({}), 'it'), { code: 'PEER_PROTOCOL' });
  t.throws(() => decodeManifest(lines({ ...since, pass: 'offer' }), 'it'), { code: 'PEER_PROTOCOL' });
  t.throws(() => decodeManifest(lines({ sinceOffer: { files: -1, bytes: 0 } }), 'it'), {
    code: 'PEER_PROTOCOL',
  });
  const [header = '', , end = ''] = lines(since);
  t.throws(() => decodeManifest([header, '[0,"../gone"]', end], 'it'), { code: 'PEER_PROTOCOL' });
  t.throws(() => decodeManifest([header, end], 'it'), { code: 'PEER_PROTOCOL' }, 'one is missing');
});

const plainName = ({ place, path }: { place: string; path: string }): string => `${place}/${path}`;
