import t, { type Test } from 'tap';
import {
  existsSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { Lab, type LabNode, type OptionGroup } from '../lab/index.js';
import { Authority } from './credentials.js';
import { boot, joins, tunnelOptions } from './tunnel.js';

const directoryOptions = [
  'innodb_data_home_dir',
  'innodb_log_group_home_dir',
  'innodb_undo_directory',
  'aria_log_dir_path',
] as const;

type Directories = Partial<Record<(typeof directoryOptions)[number], string>>;

/** A file that must be in the directory of each option after a transfer. */
const witnesses: Record<(typeof directoryOptions)[number], string> = {
  innodb_data_home_dir: 'ibdata1',
  innodb_log_group_home_dir: 'ib_logfile0',
  innodb_undo_directory: 'undo003',
  aria_log_dir_path: 'aria_log_control',
};

const absolute = (node: LabNode): Directories => ({
  innodb_data_home_dir: join(node.directory, 'home'),
  innodb_log_group_home_dir: join(node.directory, 'redo log'),
  innodb_undo_directory: join(node.directory, 'undo'),
  aria_log_dir_path: join(node.directory, 'aria'),
});

const cases: readonly {
  name: string;
  directories: (node: LabNode) => Directories;
  onCommandLine?: boolean;
}[] = [
  { name: 'all in the data directory', directories: () => ({}) },
  {
    name: 'relative to the data directory and outside of it',
    directories: () => ({
      innodb_data_home_dir: '../relative home',
      innodb_log_group_home_dir: '../relative/redo',
      innodb_undo_directory: '../relative/undo',
      aria_log_dir_path: '../relative/aria',
    }),
  },
  {
    name: "given on the server's command line",
    directories: absolute,
    onCommandLine: true,
  },
  {
    name: 'sub-directories of the data directory, two kinds in one',
    directories: (node) => ({
      innodb_data_home_dir: join(node.directory, 'data', '.inside'),
      innodb_log_group_home_dir: '.inside',
      innodb_undo_directory: './deeper/undo',
      aria_log_dir_path: 'aria_inside',
    }),
  },
];

t.setTimeout(300_000);

t.test('every layout of the joiner takes what a donor with directories of its own has', async (t) => {
  const lab = await Lab.create();
  t.teardown(() => lab.destroy());
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  const authority = await Authority.create(lab.directory('certificates'));
  const undo: OptionGroup = { innodb_undo_tablespaces: 3 };
  const certificates = new Map([
    [donor, await authority.certifyNode(donor)],
    [joiner, await authority.certifyNode(joiner)],
  ]);
  await boot(
    donor,
    tunnelOptions(donor, certificates.get(donor)!, { groups: { mysqld: { ...undo, ...absolute(donor) } } }),
  );
  await donor.sql(`CREATE DATABASE shop; USE shop;
    CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, what TEXT);
    INSERT INTO orders (what) SELECT CONCAT('order ', seq) FROM seq_1_to_3000;
    CREATE TABLE notes (id INT PRIMARY KEY, what TEXT) ENGINE=Aria TRANSACTIONAL=1;
    INSERT INTO notes SELECT seq, 'note' FROM seq_1_to_300;`);

  for (const { name, directories, onCommandLine = false } of cases) {
    await t.test(name, async (t) => {
      await joiner.stop();
      const places = directories(joiner);
      const start = tunnelOptions(joiner, certificates.get(joiner)!, {
        groups: { mysqld: onCommandLine ? undo : { ...undo, ...places } },
        arguments: onCommandLine ? Object.entries(places).map(argument) : [],
      });
      if (onCommandLine) for (const folder of Object.values(places)) joiner.makeDirectory(folder);
      await joins(t, { donor, joiner, start });
      assertPlaces(t, joiner, places);
    });
  }

  await t.test('schema directories that are links stay where they lie', async (t) => {
    await joiner.stop();
    const disk = joiner.makeDirectory(join(joiner.directory, 'disk 2'));
    const linked = join(joiner.dataDirectory, 'shop');
    renameSync(linked, join(disk, 'shop'));
    symlinkSync(join(disk, 'shop'), linked);
    writeFileSync(join(disk, 'shop', 'former.ibd'), '');
    rmSync(join(joiner.dataDirectory, 'grastate.dat'));
    await donor.sql(
      `INSERT INTO shop.orders (what) VALUES ('since'); CREATE TABLE shop.more (id INT PRIMARY KEY);`,
    );
    const start = tunnelOptions(joiner, certificates.get(joiner)!, {
      groups: { mysqld: { ...undo, ...cases.at(-1)!.directories(joiner) } },
    });
    await joins(t, { donor, joiner, start: { ...start, data: 'keep' } });
    t.equal(readlinkSync(linked), join(disk, 'shop'), 'the link stays');
    t.same(
      readdirSync(join(disk, 'shop')).toSorted(),
      readdirSync(join(donor.dataDirectory, 'shop')).toSorted(),
      "and behind it are the donor's files alone",
    );
  });

  await t.test('a donor with directories inside its data directory', async (t) => {
    await donor.stop();
    const start = tunnelOptions(donor, certificates.get(donor)!, { groups: { mysqld: undo } });
    await joins(t, { donor: joiner, joiner: donor, start });
    assertPlaces(t, donor, {});
    t.notOk(existsSync(join(donor.dataDirectory, 'aria_inside', 'aria_log_control')));
  });
});

/** `--innodb-data-home-dir=…` and `--loose_aria_log_dir_path …`: all forms that the server takes. */
function argument([name, value]: [string, string], index: number): string {
  const option = index % 2 === 0 ? name.replaceAll('_', '-') : `loose-${name}`;
  return `--${option}=${value}`;
}

function assertPlaces(t: Test, node: LabNode, places: Directories): void {
  for (const option of directoryOptions) {
    const place = places[option] ?? '.';
    const folder = isAbsolute(place) ? place : join(node.dataDirectory, place);
    t.ok(readdirSync(folder).includes(witnesses[option]), `${witnesses[option]} is in ${place}`);
  }
}
