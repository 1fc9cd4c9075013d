/** The options that this method reads from `[sst]`, as README lists them. */
export const sstOptions = [
  'tcert',
  'tkey',
  'tca',
  'tcap',
  'ssl-mode',
  'ssl-cert',
  'ssl-key',
  'ssl-ca',
  'ssl-capath',
  'ssl-server-cert',
  'ssl-server-key',
  'ssl-server-ca',
  'ssl-server-capath',
  'ssl-client-cert',
  'ssl-client-key',
  'ssl-client-ca',
  'ssl-client-capath',
  'sockopt',
  'backup-threads',
  'sst-max-binlogs',
  'rlimit',
  'tmpdir',
  'allow-donor-without-secret',
  'sst-initial-timeout',
  'sst-idle-timeout',
] as const;

/** The name of an option that this method reads from `[sst]`. */
export type SstOption = (typeof sstOptions)[number];

/**
 * What the server's own methods read from `[sst]` and this one does not (wsrep_sst_common, _rsync and _mariabackup of
 * 10.11.19): it stays in the option files of clusters that have changed their method, and is no mistake.
 */
export const peersOptions: readonly string[] = [
  'compress',
  'compress-chunk-size',
  'compress-threads',
  'compressor',
  'cpat',
  'decompressor',
  'encrypt',
  'encrypt-algo',
  'encrypt-chunk-size',
  'encrypt-format',
  'encrypt-key',
  'encrypt-key-file',
  'encrypt-threads',
  'inno-apply-opts',
  'inno-backup-opts',
  'inno-move-opts',
  'progress',
  'ssl-dhparams',
  'sst-log-archive',
  'sst-log-archive-dir',
  'sst-special-dirs',
  'sst-syslog',
  'streamfmt',
  'time',
  'transferfmt',
  'use-extra',
  'use-memory',
  'wsrep-sst-auth',
];
