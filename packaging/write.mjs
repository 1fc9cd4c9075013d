// Files of a tree, written below a folder.
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Writes files and links; what is there is replaced, so that a program that runs keeps what it has opened. */
export function writeTree(folder, files) {
  for (const [path, file] of files) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
    rmSync(target, { force: true });
    if (file.link !== undefined) symlinkSync(file.link, target);
    else {
      writeFileSync(target, file.text);
      chmodSync(target, file.mode);
    }
  }
}
