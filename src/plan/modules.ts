import type { Place } from '../datadir/layout.js';

/** The user that a donor names to the joiner's rsync daemon, and in Galera's `user:secret@host` address. */
export const transferUser = 'sst';

/** The module of the data directory, and the stem of all others; the original script's name for it. */
export const dataModule = 'rsync_tunnel_sst';

/**
 * The daemon module for each kind of file. `-log_dir` is the original script's second module; the others are ours:
 * its donors do not know them.
 */
export const placeModules: Readonly<Record<Place, string>> = {
  data: dataModule,
  'innodb-log': `${dataModule}-log_dir`,
  'innodb-home': `${dataModule}-innodb_home`,
  undo: `${dataModule}-undo`,
  aria: `${dataModule}-aria`,
  binlog: `${dataModule}-binlog`,
};

/** The module of the joiner's nth schema directory that is a link, from 0. */
export function linkModule(index: number): string {
  return `${dataModule}-link${index}`;
}

/** What donor and joiner tell each other beside the data: one directory and module for each direction and step. */
export const messageModules = {
  /** Written by the donor: `offer`, `total`, `final`, `failure`. */
  inbox: `${dataModule}-inbox`,
  /** Read by the donor; the daemon lets it wait until the joiner has written it. */
  answer: `${dataModule}-answer`,
  verdict: `${dataModule}-verdict`,
} as const;

/** The file that ends a transfer of the original script; its content is the state line. */
export const originalCompletionFile = `${dataModule}_complete`;
