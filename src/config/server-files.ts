import type { ServerFile } from './directories.js';
import { find, type Settings } from './settings.js';
import type { TlsSettings } from './tls.js';

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
  file: [
    ...['pid-file', 'socket', 'relay-log-index', 'relay-log-info-file', 'master-info-file'],
    // Keys are a node's own: they are neither sent to another nor replaced by another's.
    ...['ssl-ca', 'ssl-cert', 'ssl-key', 'ssl-crl'],
    ...['file-key-management-filename', 'file-key-management-filekey'],
  ],
  directory: ['tmpdir', 'slave-load-tmpdir', 'innodb-tmpdir', 'ssl-capath', 'ssl-crlpath'],
};

/** The server's log, pid file, socket, keys, directories for temporary files and the like, as its options name them. */
export function resolveServerFiles(settings: Settings): readonly ServerFile[] {
  const kinds = Object.entries(options) as [ServerFile['kind'], readonly string[]][];
  return kinds.flatMap(([kind, names]) =>
    names.flatMap((name) => {
      const value = find(settings, name, ['server arguments', '[mysqld]'])?.value ?? '';
      // tmpdir takes several, in turn to be used; the name of a file that holds a password begins with FILE:.
      const paths = kind === 'directory' ? value.split(':') : [value.replace(/^FILE:/, '')];
      return paths.filter((path) => path !== '').map((path) => ({ kind, path }));
    }),
  );
}

/** The files that the tunnel shows to peers or verifies them with. */
export function tunnelFilesOf(tls: TlsSettings): readonly ServerFile[] {
  const files = [tls.cert, tls.key, tls.caFile, tls.crlFile].map((file) => ({ kind: 'file', file }) as const);
  const directories = [tls.caPath, tls.crlPath].map((file) => ({ kind: 'directory', file }) as const);
  return [...files, ...directories].flatMap(({ kind, file }) =>
    file === undefined ? [] : [{ kind, path: file.value }],
  );
}
