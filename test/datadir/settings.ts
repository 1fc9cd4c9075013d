import type { DirectorySettings } from '../../src/config/directories.js';
import type { Sourced } from '../../src/config/source.js';
import type { Layout } from '../../src/datadir/layout.js';
import { resolveLayout } from '../../src/datadir/layout.js';

type Values = { readonly [Key in Exclude<keyof DirectorySettings, 'serverFiles'>]?: string } & Pick<
  DirectorySettings,
  'serverFiles'
>;

/** Settings as if all stood in line 7 of one option file. */
export function settingsOf({
  dataDir,
  serverFiles,
  ...values
}: Values & { readonly dataDir: string }): DirectorySettings {
  const given = Object.entries(values).map(([key, value]) => [key, sourced(value)] as const);
  const others = Object.fromEntries(given) as Omit<DirectorySettings, 'dataDir'>;
  return { dataDir: sourced(dataDir), serverFiles, ...others };
}

export function layoutOf(values: Values & { readonly dataDir: string }): Layout {
  return resolveLayout(settingsOf(values), 'node1');
}

function sourced(value: string): Sourced<string> {
  return {
    value,
    source: { kind: 'file', file: '/etc/mysql/my.cnf', line: 7, group: 'mysqld', name: 'any' },
  };
}
