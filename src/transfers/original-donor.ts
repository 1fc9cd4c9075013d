import { copyFileSync, existsSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '../make-directory.js';
import { clearBinlogs } from '../datadir/binlogs.js';
import { belongs } from '../datadir/kinds.js';
import { takeInventory } from '../datadir/inventory.js';
import { rootOf, type Layout } from '../datadir/layout.js';
import type { EmitEvent } from '../events.js';
import { parseState } from './state.js';

/** The kinds of files that the original script, where it sends them at all, sends into the data directory. */
const misplaced = ['innodb-home', 'undo', 'aria'] as const;

/** What a file was when it was looked at: any write changes it, whatever the clocks say. */
export type FileStamps = ReadonlyMap<string, string>;

/** Notes the files of the misplaced kinds that this joiner has of its own, before a donor can write. */
export function stampOwnFiles(layout: Layout): FileStamps {
  const stamps = new Map<string, string>();
  for (const place of misplaced) {
    const root = rootOf(layout, place) ?? layout.roots.data;
    for (const directory of new Set([root, layout.roots.data])) {
      for (const name of namesOf(directory, layout, place))
        stamps.set(join(directory, name), stampOf(join(directory, name)));
    }
  }
  return stamps;
}

function stampOf(file: string): string {
  const { ino, size, ctimeMs } = statSync(file);
  return `${ino} ${size} ${ctimeMs}`;
}

/**
 * Accepts what a donor with the original script has sent (docs/original-protocol.md): it has no manifest to compare
 * with. In an SST this joiner's own older undo and Aria logs, which that donor neither sends nor deletes, must not
 * meet the donor's tables; files of kinds that have a directory of their own here are moved there.
 * @param own the files that were there before: those that have not changed since are not the donor's
 */
export async function acceptFromOriginal(
  completionFile: string,
  layout: Layout,
  options: {
    readonly isSnapshot: boolean;
    readonly own: FileStamps;
    /** When this transfer started, ms since 1970. */
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
  const missing = misplaced.filter((place) => settle(layout, place, options.own) === 0);
  const { files, bytes } = await takeInventory(layout, { maxBinlogs: 0, signal: options.signal });
  options.emit({
    kind: 'finding',
    finding: {
      severity: 'warning',
      code: 'SECRET_MISSING',
      message:
        'accepted a copy from a donor without the secret: it runs the original script, and nothing says whether the copy is complete',
      hint: 'upgrade the donor too, then remove allow-donor-without-secret (galera-sst-tunnel check, over there, tells what it lacks)',
    },
  });
  if (missing.includes('aria')) {
    options.emit({
      kind: 'finding',
      finding: {
        severity: 'warning',
        code: 'COPY_INCOMPLETE',
        message:
          'the donor sent no Aria logs: the server takes Aria tables, its own among them, for moved ones',
        hint: 'leave aria_recover_options as it is: the server then repairs each table when it is first opened',
      },
    });
  }
  options.emit({
    kind: 'finished',
    bypass: false,
    bytes,
    files: files.length,
    seconds: (options.now().getTime() - options.startedMs) / 1000,
  });
  return state;
}

/** Gives the number of files that the donor sent. */
function settle(layout: Layout, place: (typeof misplaced)[number], own: FileStamps): number {
  const root = rootOf(layout, place) ?? layout.roots.data;
  // The donor deletes directories that it has not.
  makeDirectory(root, 0o700);
  for (const directory of new Set([root, layout.roots.data])) {
    for (const name of namesOf(directory, layout, place)) {
      const file = join(directory, name);
      if (own.get(file) === stampOf(file)) rmSync(file, { force: true });
      else if (directory !== root) move(file, join(root, name));
    }
  }
  return namesOf(root, layout, place).length;
}

function namesOf(directory: string, layout: Layout, place: (typeof misplaced)[number]): string[] {
  if (!existsSync(directory)) return [];
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
