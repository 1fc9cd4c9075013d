import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { replaceDurably } from '../durable-file.js';
import { errnoOf, fileFailure, TransferError } from '../errors.js';
import { belongs } from './kinds.js';
import type { BinlogLayout, Layout } from './layout.js';
import { isInside } from './layout.js';

/**
 * The names of the binary logs in the server's index, oldest first; empty without an index. An index may still name files in a
 * directory that `log_bin` pointed to formerly: those are left out, they are older than any in the present one.
 */
export function binlogsInIndex(layout: Layout): readonly string[] {
  const { binlog } = layout;
  if (binlog === undefined) return [];
  return indexEntries(layout, binlog)
    .filter((file) => dirname(file) === binlog.dir)
    .map((file) => basename(file));
}

/**
 * Removes the joiner's own binary logs: those in its index, those with its base name that no index names, their GTID indexes,
 * the saved state and the index itself. To be called before the donor's arrive in the same directory under the donor's names.
 */
export function clearBinlogs(layout: Layout): { removed: number } {
  const { binlog } = layout;
  if (binlog === undefined) return { removed: 0 };
  const indexed = indexEntries(layout, binlog).filter((file) => hasNumber(basename(file)));
  const found = namesIn(binlog.dir)
    .filter((name) => belongs(layout, 'binlog', name))
    .map((name) => join(binlog.dir, name));
  const doomed = new Set([...indexed, ...indexed.map((file) => `${file}.idx`), ...found, binlog.index]);
  for (const file of doomed) rmSync(file, { force: true });
  return { removed: doomed.size };
}

/**
 * Makes received files, which lie in the joiner's binary log directory, the joiner's only binary logs: writes its index. They
 * keep the donor's names whatever the joiner calls its own, because recovery looks in the index for the name that the last one's
 * checkpoint event holds, and the server does not start without it (10.11.19). `names` is in the order of the donor's index.
 * @throws TransferError PEER_PROTOCOL when a name is none of a binary log.
 */
export function adoptBinlogs(layout: Layout, names: readonly string[]): void {
  const { binlog } = layout;
  if (binlog === undefined || names.length === 0) return;
  const prefix = indexPrefix(layout, binlog);
  const lines = names.map((name) => `${prefix}${checkName(name)}\n`);
  // A server that starts in between sees either no index or all of it.
  replaceDurably(binlog.index, lines.join(''), { mode: 0o660, draft: `${binlog.index}.sst` });
}

/**
 * The server writes `./name` in the data directory, `sub/name` below it and absolute names elsewhere, and
 * reads relative ones as lying in the directory of `log_bin` (10.11).
 */
function indexPrefix(layout: Layout, binlog: BinlogLayout): string {
  const { data } = layout.roots;
  if (binlog.dir === data) return './';
  return isInside(data, binlog.dir) ? `${relative(data, binlog.dir)}/` : `${binlog.dir}/`;
}

function indexEntries(layout: Layout, binlog: BinlogLayout): readonly string[] {
  let text: string;
  try {
    text = readFileSync(binlog.index, 'utf8');
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return [];
    throw fileFailure(cause, { path: `the binary log index ${binlog.index}`, use: 'read' }) ?? cause;
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => resolve(layout.roots.data, line));
}

function checkName(name: string): string {
  if (hasNumber(name) && !/[/\n]/.test(name)) return name;
  throw new TransferError(
    'PEER_PROTOCOL',
    `expected a binary log's name with a number, got ${JSON.stringify(name)}`,
  );
}

function hasNumber(name: string): boolean {
  return /\.[0-9]+$/.test(name);
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return [];
    throw cause;
  }
}
