import type { OptionEntry } from './entry.js';

/** The entries of the given groups and of the same groups with the suffix, in the files' order; case does not count. */
export function selectGroups(
  entries: readonly OptionEntry[],
  groups: readonly string[],
  suffix = '',
): readonly OptionEntry[] {
  const wanted = new Set(groups.flatMap((group) => [foldCase(group), foldCase(group + suffix)]));
  return entries.filter((entry) => wanted.has(foldCase(entry.group)));
}

/** The suffix that applies without `--defaults-group-suffix`: MARIADB_GROUP_SUFFIX, else MYSQL_GROUP_SUFFIX. */
export function groupSuffixOf(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return env['MARIADB_GROUP_SUFFIX'] ?? env['MYSQL_GROUP_SUFFIX'];
}

/**
 * The groups that a MariaDB server with Galera reads, as `mariadbd --help --verbose` lists them. Without a version
 * (`10.11`, or longer: `10.11.19-MariaDB`) the groups that carry one are left out; see `needsServerVersion`.
 */
export function serverGroups(version?: string): readonly string[] {
  const series = /^\d+\.\d+/.exec(version ?? '')?.[0];
  return ['mysqld', 'server', 'mariadb', 'mariadbd', 'client-server', 'galera'].flatMap((group) =>
    series === undefined || !versionedGroups.includes(group) ? [group] : [group, `${group}-${series}`],
  );
}

const versionedGroups = ['mysqld', 'mariadb', 'mariadbd'];

/** Whether any group is for one version of the server only, so that the version must be found out. */
export function needsServerVersion(entries: readonly OptionEntry[]): boolean {
  return entries.some((entry) => /^(mysqld|mariadbd?)-\d/i.test(entry.group));
}

/** The entry that counts for an option: the last one. `-` and `_` are the same, a `loose_` in front is ignored. */
export function lookup(entries: readonly OptionEntry[], name: string): OptionEntry | undefined {
  const wanted = normalizeName(name);
  return entries.findLast((entry) => normalizeName(entry.name) === wanted);
}

/** The name under which the server knows an option: with dashes, without `loose-`; upper and lower case differ. */
export function normalizeName(name: string): string {
  return name.replaceAll('_', '-').replace(/^loose-/, '');
}

/** What my_print_defaults prints for the entries, one string for each; a value with a line break spans lines. */
export function formatAsPrintDefaults(entries: readonly OptionEntry[]): readonly string[] {
  return entries.map(({ name, value }) => (value === undefined ? `--${name}` : `--${name}=${value}`));
}

/** The server compares group names byte by byte, and takes each byte for a letter of latin1 (10.11). */
function foldCase(group: string): string {
  const bytes = /[\udc80-\udcff]/.test(group)
    ? group.replace(/[\udc80-\udcff]/g, (kept) => String.fromCharCode(kept.charCodeAt(0) - 0xdc00))
    : Buffer.from(group).toString('latin1');
  return bytes.replace(/[A-Z\xc0-\xd6\xd8-\xde]/g, (letter) =>
    String.fromCharCode(letter.charCodeAt(0) + 0x20),
  );
}
