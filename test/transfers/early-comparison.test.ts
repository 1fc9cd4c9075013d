import { mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { FileTable } from '../../src/datadir/file-table.js';
import { takeInventory, type Inventory, type InventoryFile } from '../../src/datadir/inventory.js';
import { changesSince, withChanges } from '../../src/datadir/manifest-changes.js';
import { decodeManifest, encodeManifest, type Manifest } from '../../src/datadir/manifest.js';
import { linesOf } from '../../src/datadir/text-lines.js';
import { Arrivals } from '../../src/transfers/arrivals.js';
import { compareEarly, isCompleteSince } from '../../src/transfers/early-comparison.js';
import { layoutOf } from '../datadir/settings.js';

const write = (file: string, text: string, seconds = 1000): void => {
  writeFileSync(file, text);
  utimesSync(file, seconds, seconds);
};

const tables = ['a', 'b', 'c'];

const manifestOf = ({ files, directories }: Inventory, pass: Manifest['pass']) =>
  ({ format: 1, tool: 'test', pass, binlogs: [], innodbFiles: ['ibdata*'], files, directories }) as const;

const arrived = (sent: Manifest): Manifest => decodeManifest(linesOf(encodeManifest(sent)), 'the manifest');

/** A donor and a joiner that have the same files, but for what a case changes at one of them. */
function nodesIn(dir: string): Record<'donor' | 'joiner', string> {
  const folders = { donor: join(dir, 'donor'), joiner: join(dir, 'joiner') };
  for (const folder of Object.values(folders)) {
    mkdirSync(join(folder, 'shop'), { recursive: true });
    write(join(folder, 'ibdata1'), 'system');
    for (const name of tables) write(join(folder, 'shop', `${name}.ibd`), name);
  }
  return folders;
}

const table = (name: string): Pick<InventoryFile, 'place' | 'path'> => ({
  place: 'data',
  path: `shop/${name}.ibd`,
});

interface Case {
  /** What the joiner has when nearly all has come. */
  readonly early?: (shop: string) => void;
  /** What the donor's server does after the offer. */
  readonly atDonor?: (shop: string) => void;
  /** What the joiner has after the lock. */
  readonly late?: (shop: string) => void;
  readonly sentAgain?: readonly string[];
  /** What was sent without having been offered. */
  readonly unoffered?: readonly string[];
}

async function isComplete(
  dir: string,
  { early, atDonor, late, sentAgain = [], unoffered = [] }: Case,
): Promise<boolean> {
  const { donor, joiner } = nodesIn(dir);
  const look = (): Promise<Inventory> => takeInventory(layoutOf({ dataDir: donor }), { maxBinlogs: 0 });
  const layout = layoutOf({ dataDir: joiner });
  const offered = await look();
  const offer = arrived(manifestOf(offered, 'offer'));
  early?.(join(joiner, 'shop'));
  const arrivals = new Arrivals();
  const comparison = compareEarly({ layout, arrivals, signal: new AbortController().signal }, offer, 100);
  arrivals.began(1);
  arrivals.delivered(1, 95);
  const found = await comparison.found(() => undefined);
  if (found === undefined) throw new Error('nothing was compared');
  atDonor?.(join(donor, 'shop'));
  late?.(join(joiner, 'shop'));
  const final = await look();
  const tableOf = (names: readonly string[]): FileTable<InventoryFile> =>
    FileTable.of(names.map((name) => ({ ...table(name), size: 0 }) as InventoryFile));
  const sent = { again: tableOf([...sentAgain, ...unoffered]), unoffered: tableOf(unoffered) };
  const changes = arrived(changesSince(offered.files, manifestOf(final, 'final'), sent));
  if (changes.sinceOffer === undefined) return false;
  return isCompleteSince(layout, found, { offer, changes, whole: withChanges(offer, changes) });
}

const grow =
  (name: string) =>
  (shop: string): void =>
    write(join(shop, `${name}.ibd`), 'grown', 2000);
const drop =
  (name: string) =>
  (shop: string): void =>
    rmSync(join(shop, `${name}.ibd`), { force: true });
const makeDirectory = (shop: string): void => {
  drop('a')(shop);
  mkdirSync(join(shop, 'a.ibd'));
};
const addSchema = (shop: string): void => mkdirSync(join(shop, '../new'));

const cases: readonly (readonly [string, Case, boolean])[] = [
  ['nothing has changed', {}, true],
  ['a file has changed, and has come', { atDonor: grow('a'), late: grow('a') }, true],
  ['a file has changed, and has not come', { atDonor: grow('a') }, false],
  ['a file came later', { early: drop('b'), late: (shop) => write(join(shop, 'b.ibd'), 'b') }, true],
  ['a file has not come', { early: drop('b') }, false],
  ['a new file has come', { atDonor: grow('new'), late: grow('new') }, true],
  ['a new file has not come', { atDonor: grow('new') }, false],
  ['a new file had come early', { early: grow('new'), atDonor: grow('new') }, true],
  ['there is a file that the donor does not have', { early: grow('other') }, false],
  ['a file is gone at the donor, and lies here', { atDonor: drop('c') }, false],
  ['a file is gone on both sides', { atDonor: drop('c'), late: drop('c') }, true],
  ['a file that was sent again is damaged', { sentAgain: ['a'], late: grow('a') }, false],
  ['a file that was sent again is as before', { sentAgain: ['a'] }, true],
  ['a file that was not offered has come late, and is gone', { late: grow('x'), unoffered: ['x'] }, false],
  ['a file that was not offered has come', { atDonor: grow('x'), late: grow('x'), unoffered: ['x'] }, true],
  ['a directory of its stands where a file was', { late: makeDirectory, sentAgain: ['a'] }, false],
  ['there is a new schema', { atDonor: addSchema, late: addSchema }, false],
  ['what is no file stands there', { early: (shop) => symlinkSync('nowhere', join(shop, 'x.ibd')) }, false],
];

t.test('complete is what was found early, with what has changed since', async (t) => {
  for (const [index, [title, course, expected]] of cases.entries())
    t.equal(await isComplete(t.testdir({ [`case${index}`]: {} }), course), expected, title);
});

t.test('nothing is found where not nearly all has come, or the comparison cannot be made', async (t) => {
  const { joiner } = nodesIn(t.testdir({}));
  const layout = layoutOf({ dataDir: joiner });
  const offer = manifestOf(await takeInventory(layout, { maxBinlogs: 0 }), 'offer');
  const arrivals = new Arrivals();
  const compare = (): ReturnType<typeof compareEarly> =>
    compareEarly({ layout, arrivals, signal: new AbortController().signal }, offer, 100);
  const bring = (bytes: number): void => {
    arrivals.began(1);
    arrivals.delivered(1, bytes);
  };
  const little = compare();
  bring(94);
  t.equal(await little.found(() => undefined), undefined);
  const stopped = compare();
  stopped.stop();
  bring(100);
  t.equal(await stopped.found(() => undefined), undefined);
  rmSync(joiner, { recursive: true });
  writeFileSync(joiner, 'no directory');
  const impossible = compare();
  bring(100);
  t.equal(await impossible.found(() => undefined), undefined);
});
