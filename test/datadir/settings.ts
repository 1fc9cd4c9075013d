import type { DirectorySettings } from '../../src/config/directories.js';
import type { Sourced } from '../../src/config/source.js';
import type { Layout } from '../../src/datadir/layout.js';
import { resolveLayout } from '../../src/datadir/layout.js';

type Values = { readonly [Key in keyof DirectorySettings]?: string };

/** Settings as if all stood in line 7 of one option file. */
export function settingsOf({ dataDir, ...values }: Values & { readonly dataDir: string }): DirectorySettings {
  const given = Object.entries(values).map(([key, value]) => [key, sourced(value)] as const);
  return { dataDir: sourced(dataDir), ...(Object.fromEntries(given) as Omit<DirectorySettings, 'dataDir'>) };
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
