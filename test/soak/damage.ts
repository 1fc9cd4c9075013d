import {
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { isOwnToNode } from '../../src/datadir/kinds.js';
import { partialCopyFile } from '../../src/transfers/partial-copy.js';

/** Removes some of a joiner's files, cuts some off, and writes over some. */
export function damageFiles(folder: string, count: number, random: (below: number) => number): void {
  // By size and time a table is believed only beside the mark of a broken transfer: without it files keep their times here.
  const marked = readdirSync(folder).includes(partialCopyFile);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !isOwnToNode(entry.name) && entry.name !== partialCopyFile)
    .map(({ parentPath, name }) => join(parentPath, name))
    .toSorted();
  for (let left = Math.min(count, files.length); left > 0; left--) {
    const [file] = files.splice(random(files.length), 1);
    if (file === undefined) continue;
    const { size, atime, mtime } = statSync(file);
    switch (random(3)) {
      case 0:
        rmSync(file);
        continue;
      case 1:
        truncateSync(file, random(size + 1));
        break;
      default: {
        const bytes = readFileSync(file);
        const start = random(size + 1);
        bytes.subarray(start, start + random(100_000)).fill(random(256));
        writeFileSync(file, bytes);
      }
    }
    if (!marked) utimesSync(file, atime, mtime);
  }
}
