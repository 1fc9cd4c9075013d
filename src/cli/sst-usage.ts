/** What `galera-sst-tunnel sst --help` and `wsrep_sst_rsync_tunnel --help` print. */
export const sstUsage = `usage: wsrep_sst_rsync_tunnel --role joiner|donor --address ADDRESS --datadir DIR [...]

The MariaDB server runs this script when wsrep_sst_method=rsync_tunnel is set and a node joins; it speaks with the
server on stdout and writes its log to stderr, which is the server's error log. It is not meant to be run by hand:
galera-sst-tunnel plan joiner|donor shows what it would do, and galera-sst-tunnel --help what else there is.

  --role joiner|donor            which side of the transfer this is
  --address ADDRESS              the joiner's: host, host:port, [v6]:port; for a donor with /module
  --datadir DIR                  the server's data directory
  --defaults-file FILE           and --defaults-extra-file, --defaults-group-suffix: where [sst] is looked for
  --parent PID                   joiner: the server's process
  --gtid UUID:SEQNO              donor: the state of an IST, with --gtid-domain-id N
  --bypass                       donor: an IST follows, no data is sent
  --binlog NAME                  and --binlog-index, --innodb-…-dir, --aria-log-dir-path, --log-basename, …
  --mysqld-args ARGUMENT...      the server's own command line

Examples:
  galera-sst-tunnel plan joiner --address node2.my.cluster --defaults-file=/etc/mysql/my.cnf   what it would run here, and nothing is run
  galera-sst-tunnel rehearse --preflight                                                       would a transfer begin? no lock, no data
`;
