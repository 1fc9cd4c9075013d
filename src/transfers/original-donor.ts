import { copyFileSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { clearBinlogs } from '../datadir/binlogs.js';
import { belongs } from '../datadir/kinds.js';
import { takeInventory } from '../datadir/inventory.js';
import { rootOf, type Layout } from '../datadir/layout.js';
import type { EmitEvent } from '../events.js';
import { parseState } from './state.js';

/** The kinds of files that the original script, where it sends them at all, sends into the data directory. */
const misplaced = ['innodb-home', 'undo', 'aria'] as const;

/**
 * Accepts what a donor with the original script has sent (docs/original-protocol.md): it has no manifest to compare
 * with. In an SST this joiner's own older undo and Aria logs, which that donor neither sends nor deletes, must not
 * meet the donor's tables; files of kinds that have a directory of their own here are moved there.
 * @param startedMs when this transfer started, ms since 1970: files that the donor sent are newer, it keeps no times
 */
export async function acceptFromOriginal(
  completionFile: string,
  layout: Layout,
  options: {
    readonly isSnapshot: boolean;
    readonly startedMs: number;
    readonly emit: EmitEvent;
    readonly now: () => Date;
    readonly signal: AbortSignal;
  },
): Promise<string> {
  const text = readFileSync(completionFile, 'utf8');
  const state = parseState(text.split('\n')[0] ?? '', 'the completion file of the original script');
  rmSync(completionFile, { force: true });
  if (!options.isSnapshot) {
    options.emit({ kind: 'finished', bypass: true, bytes: 0, files: 0, seconds: 0 });
    return state;
  }
  clearBinlogs(layout);
  for (const place of misplaced) settle(layout, place, options.startedMs);
  const { files, bytes } = await takeInventory(layout, { maxBinlogs: 0, signal: options.signal });
  options.emit({
    kind: 'finding',
    finding: {
      severity: 'warning',
      code: 'SECRET_MISSING',
      message:
        'accepted a copy from a donor without the secret: it runs the original script, and nothing says whether the copy is complete',
      hint: 'upgrade the donor too, then remove allow-donor-without-secret',
    },
  });
  options.emit({
    kind: 'finished',
    bypass: false,
    bytes,
    files: files.length,
    seconds: (options.now().getTime() - options.startedMs) / 1000,
  });
  return state;
}

function settle(layout: Layout, place: (typeof misplaced)[number], startedMs: number): void {
  const root = rootOf(layout, place) ?? layout.roots.data;
  for (const name of namesOf(root, layout, place)) {
    if (statSync(join(root, name)).mtimeMs < startedMs) rmSync(join(root, name), { force: true });
  }
  if (root === layout.roots.data) return;
  for (const name of namesOf(layout.roots.data, layout, place))
    move(join(layout.roots.data, name), join(root, name));
}

function namesOf(directory: string, layout: Layout, place: (typeof misplaced)[number]): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile() && belongs(layout, place, entry.name))
    .map((entry) => entry.name);
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EXDEV')) throw error;
    copyFileSync(from, to);
    rmSync(from);
  }
}
