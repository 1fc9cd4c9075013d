import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keyOf } from '../datadir/changes.js';
import { FileTable, type Files } from '../datadir/file-table.js';
import { totalSize } from '../datadir/inventory.js';
import { isTable, type AnsweredHeld } from '../datadir/held.js';
import { rootOf, type Layout } from '../datadir/layout.js';
import type { Manifest, ManifestFile } from '../datadir/manifest.js';
import { realPath } from '../datadir/real-path.js';
import type { Command } from '../plan/command.js';
import { describeOutcome, supervise, type Supervision } from '../processes/supervise.js';

/** Less than that may stay: to start what drops it costs some 50 ms of processor time. */
const worthBytes = 128 * 1024 * 1024;
/** Smaller files, tables that are as good as empty among them, cost more than they take up. */
const smallestBytes = 131_072;
/**
 * What the donor's server has written to within the time that the copy takes is likely to be written to again meanwhile, and compared under
 * the lock, which memory makes quicker: at so many bytes a millisecond, and at least for so long.
 */
const copiedBytesPerMs = 500_000;
const quietAtLeastMs = 10_000;

/**
 * Has the tables that a joiner receives leave its page cache as they come, as far as it pays. They go to disk meanwhile rather than in
 * the end, what they would push out of memory stays there, and the next ones get the memory of the last ones: fresh memory is
 * expensive where a hypervisor has to find it first. The server reads its tables past the page cache anyway (`O_DIRECT`, its
 * default since MariaDB 10.6).
 * @returns what ends it; it is no failure of the transfer's if it does not work
 */
export function releaseReceived(
  layout: Layout,
  offer: Pick<Manifest, 'files' | 'takenMs'>,
  held: Pick<AnsweredHeld, 'complete'>,
  listenerPid: number | undefined,
  supervision: Omit<Supervision, 'rate'>,
): () => void {
  const files = filesToRelease(offer, held);
  if (files === undefined || listenerPid === undefined) return () => undefined;
  const leftAlone = (why: string): void =>
    supervision.emit({ kind: 'notice', text: `what is received stays in the page cache: ${why}` });
  if (!existsSync(dropProgram)) {
    leftAlone(`${dropProgram} is missing`);
    return () => undefined;
  }
  const child = supervise(dropCommand(listenerPid), supervision);
  child.feed(realPaths(layout, files));
  let isOver = false;
  void child.ended.then((outcome) => {
    if (isOver || supervision.signal.aborted) return;
    leftAlone(describeOutcome(child.command.program, outcome));
  });
  return () => {
    isOver = true;
    void child.stop(0);
  };
}

/** Undefined where it does not pay. */
export function filesToRelease(
  { files, takenMs = 0 }: Pick<Manifest, 'files' | 'takenMs'>,
  { complete }: Pick<AnsweredHeld, 'complete'>,
): Files<ManifestFile> | undefined {
  const quietForMs = Math.max(quietAtLeastMs, totalSize(files) / copiedBytesPerMs);
  const isHere = new Set(complete.map(keyOf));
  const found = FileTable.of(files).filter((file) => {
    const { size, mtimeMs = Infinity } = file;
    const isQuiet = mtimeMs <= takenMs - quietForMs;
    return isTable(file) && size >= smallestBytes && isQuiet && !isHere.has(keyOf(file));
  });
  return totalSize(found) < worthBytes ? undefined : found;
}

/** It stands beside what runs it, in a bundle too. */
const dropProgram = fileURLToPath(new URL('./drop-received.js', import.meta.url));

/** By the node that runs this; without the warning that `node:wasi` is experimental, which would stand in the server's log. */
function dropCommand(listenerPid: number): Command {
  return {
    name: 'page cache',
    program: process.execPath,
    args: ['--no-warnings', dropProgram, String(listenerPid)],
    readsInput: true,
    givesWay: true,
  };
}

/** What a pipe takes at once: one write for each path would keep an object for each. */
const blockCharacters = 65_536;

/** As a process that has them open shows them: the links of data and schema directories are followed. */
function* realPaths(layout: Layout, files: Files<ManifestFile>): Generator<string> {
  const directories = new Map<string, string>();
  let block = '';
  const real = (directory: string): string => {
    let found = directories.get(directory);
    if (found === undefined) directories.set(directory, (found = realPath(directory)));
    return found;
  };
  for (const { place, path } of files) {
    const full = join(rootOf(layout, place) ?? '', path);
    block += `${real(dirname(full))}/${basename(full)}\0`;
    if (block.length < blockCharacters) continue;
    yield block;
    block = '';
  }
  yield block;
}
