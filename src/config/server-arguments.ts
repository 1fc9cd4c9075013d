/**
 * What the server hands to the SST script, as a typed value (sst-script/arguments.ts reads it from argv).
 * Seen in MariaDB 10.11.19 and 11.8.6.
 */
export interface ServerArguments {
  readonly role: 'joiner' | 'donor';
  /** `--address` verbatim: host, `host:port`, `[v6]:port`, with `/module` for a donor. */
  readonly address: string;
  readonly defaultsFile?: string | undefined;
  readonly defaultsExtraFile?: string | undefined;
  readonly defaultsGroupSuffix?: string | undefined;
  /** Joiner only: the server's process id. */
  readonly parentPid?: number | undefined;
  /** Donor only: an IST follows, no data is to be sent. */
  readonly bypass: boolean;
  /** Donor only: `UUID:seqno`. */
  readonly gtid?: string | undefined;
  readonly gtidDomainId?: string | undefined;
  /** Options given to the script itself, by normalised name (`innodb-log-group-home-dir`). */
  readonly direct: ReadonlyMap<string, string>;
  /** The server's own command line, after `--mysqld-args`. */
  readonly serverArguments: readonly string[];
}
