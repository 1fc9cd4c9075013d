import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { run, runSync } from './commands.js';
import { lastValue, type OptionGroup } from './option-file.js';

/** Where labs share their templates: /var/tmp, or where the variable GST_LAB_TEMPLATES says. */
const sharedFolder = process.env['GST_LAB_TEMPLATES'] ?? '/var/tmp';
const templatePrefix = 'gst-lab-template-';

/** Options that count when a data directory is made and must be the same ever after. */
const birthOptions = [
  'innodb_page_size',
  'innodb_undo_tablespaces',
  'innodb_data_file_path',
  'innodb_log_file_size',
  'innodb_checksum_algorithm',
  'lower_case_table_names',
];

/**
 * A data directory as mariadb-install-db makes it, for these options: made once per server version and
 * options, then kept for all labs, or for those that use the same folder.
 */
export async function templateFor(mysqld: OptionGroup, within = sharedFolder): Promise<string> {
  const settings = birthOptions.flatMap((name) => {
    const value = lastValue(mysqld, name);
    return value === undefined ? [] : [`--${name}=${value}`];
  });
  const version = await run(['mariadbd', '--no-defaults', '--version']);
  const key = createHash('sha256')
    .update(JSON.stringify([version, settings]))
    .digest('hex')
    .slice(0, 12);
  const folder = join(within, `${templatePrefix}${key}`);
  if (!existsSync(folder)) await makeTemplate(folder, settings);
  if (statSync(folder).uid !== process.getuid?.()) throw new Error(`${folder} belongs to somebody else`);
  return join(folder, 'data');
}

/** Removes all that labs share. */
export function purgeTemplates(): string[] {
  const found = readdirSync(sharedFolder).filter((name) => name.startsWith(templatePrefix));
  for (const name of found) rmSync(join(sharedFolder, name), { recursive: true, force: true });
  return found.map((name) => join(sharedFolder, name));
}

/**
 * Copies a data directory to where a node's options want its parts: InnoDB's system tablespace, log and undo
 * tablespaces and Aria's logs can each have a directory of their own.
 */
export function copyData(from: string, dataDirectory: string, mysqld: OptionGroup): void {
  mkdirSync(dataDirectory, { recursive: true });
  runSync(['cp', '-a', '--reflink=auto', '--sparse=auto', `${from}/.`, dataDirectory]);
  const parts = [
    { option: 'innodb_data_home_dir', pattern: /^ibdata/ },
    { option: 'innodb_log_group_home_dir', pattern: /^ib_logfile/ },
    { option: 'innodb_undo_directory', pattern: /^undo\d+$/ },
    { option: 'aria_log_dir_path', pattern: /^aria_log/ },
  ];
  for (const { option, pattern } of parts) {
    const target = resolveDirectory(lastValue(mysqld, option), dataDirectory);
    if (target === dataDirectory) continue;
    mkdirSync(target, { recursive: true });
    for (const name of readdirSync(dataDirectory).filter((entry) => pattern.test(entry))) {
      runSync(['mv', '--', join(dataDirectory, name), join(target, basename(name))]);
    }
    giveToServer(target);
  }
  giveToServer(dataDirectory);
}

/** A directory option as the server understands it: relative to the data directory. */
export function resolveDirectory(value: string | undefined, dataDirectory: string): string {
  if (value === undefined || value === '') return dataDirectory;
  const folder = isAbsolute(value) ? value : join(dataDirectory, value);
  return folder.replace(/\/+(\.?)$/, '');
}

/** Hands a directory and what is in it to the user mysql. */
export function giveToServer(folder: string): void {
  runSync(['chown', '-R', 'mysql:mysql', '--', folder]);
}

async function makeTemplate(folder: string, settings: readonly string[]): Promise<void> {
  const unfinished = `${folder}.${process.pid}-${Date.now()}`;
  mkdirSync(unfinished, { mode: 0o711 });
  try {
    // A server that starts removes all #sql-temptable files from its tmpdir, also those of another one (10.11.19).
    const temporary = join(unfinished, 'tmp');
    mkdirSync(temporary);
    giveToServer(temporary);
    const fresh = [
      '--no-defaults',
      '--user=mysql',
      '--skip-test-db',
      '--auth-root-authentication-method=socket',
    ];
    const argv = ['mariadb-install-db', ...fresh, `--datadir=${join(unfinished, 'data')}`, ...settings];
    await run(argv, { environment: { TMPDIR: temporary } });
    rmSync(temporary, { recursive: true, force: true });
    renameSync(unfinished, folder);
  } catch (cause) {
    rmSync(unfinished, { recursive: true, force: true });
    // Another lab may have been quicker: a directory that is not empty is never replaced.
    if (!existsSync(folder)) throw new Error('no template data directory', { cause });
  }
}
