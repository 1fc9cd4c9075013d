import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf, writing } from './errors.js';

/**
 * Puts a file in the place of the one that has its name: whoever reads it, also after a crash of the machine, finds the
 * old one or all of the new one. It is written beside it under the name `draft`; a long text may come in pieces.
 * @throws TransferError DIRECTORY_NOT_WRITABLE, DISK_FULL; other errors as the system gives them.
 */
export function replaceDurably(
  file: string,
  text: string | Iterable<string>,
  { mode, draft = `${file}.new` }: { readonly mode: number; readonly draft?: string },
): void {
  writing(file, () => {
    const descriptor = openSync(draft, 'w', mode);
    try {
      for (const piece of typeof text === 'string' ? [text] : text) writeFileSync(descriptor, piece);
      // Without it a crash of the machine can leave an empty file under the new name.
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(draft, file);
    syncDirectory(dirname(file));
  });
}

/** The new name itself is on disk only when its directory is. */
function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } catch (error) {
    // Some network and FUSE file systems know no such thing.
    if (!['EINVAL', 'ENOTSUP', 'ENOSYS'].includes(errnoOf(error) ?? '')) throw error;
  } finally {
    closeSync(descriptor);
  }
}
