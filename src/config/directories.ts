import type { Sourced } from './source.js';

/**
 * The server's directory settings as they were given (relative ones still relative to the data directory),
 * each from the script's own arguments, the server's command line or an option file, in this order.
 */
export interface DirectorySettings {
  /** Absolute, without a trailing slash. */
  readonly dataDir: Sourced<string>;
  readonly innodbDataHomeDir?: Sourced<string> | undefined;
  /** `innodb_data_file_path`, as written: `ibdata1:12M:autoextend`. */
  readonly innodbDataFilePath?: Sourced<string> | undefined;
  readonly innodbLogGroupHomeDir?: Sourced<string> | undefined;
  readonly innodbUndoDirectory?: Sourced<string> | undefined;
  readonly ariaLogDirPath?: Sourced<string> | undefined;
  readonly innodbBufferPoolFilename?: Sourced<string> | undefined;
  /**
   * `log_bin`: undefined when the server writes no binary log; the empty string when it was given without a value.
   */
  readonly logBin?: Sourced<string> | undefined;
  readonly logBinIndex?: Sourced<string> | undefined;
  readonly logBasename?: Sourced<string> | undefined;
  readonly serverFiles?: readonly ServerFile[] | undefined;
}

/** A file or directory that the server keeps for itself and that is no part of a copy, wherever it lies. */
export interface ServerFile {
  /** `log`: a file beside which older ones lie, such as `error.log.1`. */
  readonly kind: 'file' | 'log' | 'directory';
  /** As given: relative to the data directory. */
  readonly path: string;
}
