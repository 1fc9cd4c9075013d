import type { ServerFile } from './directories.js';
import { find, type Settings } from './settings.js';

/** The options that name them (MariaDB 10.11, 11.8), aliases included. */
const options: Readonly<Record<ServerFile['kind'], readonly string[]>> = {
  log: [
    'log-error',
    'slow-query-log-file',
    'log-slow-query-file',
    'general-log-file',
    'server-audit-file-path',
    'relay-log',
  ],
  file: ['pid-file', 'socket', 'relay-log-index', 'relay-log-info-file', 'master-info-file'],
  directory: ['tmpdir', 'slave-load-tmpdir', 'innodb-tmpdir'],
};

/** The server's log, pid file, socket, directories for temporary files and the like, as its options name them. */
export function resolveServerFiles(settings: Settings): readonly ServerFile[] {
  const kinds = Object.entries(options) as [ServerFile['kind'], readonly string[]][];
  return kinds.flatMap(([kind, names]) =>
    names.flatMap((name) => {
      const value = find(settings, name, ['server arguments', '[mysqld]'])?.value ?? '';
      // tmpdir takes several, in turn to be used.
      const paths = kind === 'directory' ? value.split(':') : [value];
      return paths.filter((path) => path !== '').map((path) => ({ kind, path }));
    }),
  );
}
