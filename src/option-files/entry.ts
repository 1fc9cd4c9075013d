/** One line of an option file that sets an option. */
export interface OptionEntry {
  /** The group it stands in, without brackets: `sst`, `mysqld-10.11`. */
  readonly group: string;
  /** The option's name as it is written, without leading dashes. */
  readonly name: string;
  /** The value as the server sees it; undefined where there is no `=`. */
  readonly value: string | undefined;
  /** Absolute path of the file. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
}
