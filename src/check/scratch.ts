import { mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, TransferError } from '../errors.js';
import { makeDirectory } from '../make-directory.js';
import { removeTree } from '../remove-tree.js';
import { startSweeper } from '../processes/sweeper.js';

/** Gives the work a private directory, which is gone when it has ended, however it did: also when this process is killed. */
export async function withScratch<T>(
  scratch: string,
  transferId: string,
  work: (dir: string) => Promise<T>,
): Promise<T> {
  const dir = makeScratch(scratch);
  const sweeper = startSweeper({ dir, transferId });
  try {
    return await work(dir);
  } finally {
    removeTree(dir);
    sweeper.dismiss();
  }
}

/**
 * Gives the work a directory in which nothing is, since a transfer removes what its donor does not have. When it fails, or this process
 * is killed meanwhile, nothing is there again.
 * @throws TransferError FILE_EXISTS, DIRECTORY_NOT_WRITABLE.
 */
export async function withTarget<T>(dir: string, transferId: string, work: () => Promise<T>): Promise<T> {
  const undo = makeTarget(dir);
  const sweeper = startSweeper({ dir, transferId });
  try {
    return await work();
  } catch (error) {
    undo();
    throw error;
  } finally {
    sweeper.dismiss();
  }
}

/** Gives what makes it as it was. */
function makeTarget(dir: string): () => void {
  try {
    const made = makeDirectory(dir, 0o700);
    if (made !== undefined) return () => removeTree(made);
    if (readdirSync(dir).length === 0) {
      return () => {
        for (const name of readdirSync(dir)) removeTree(join(dir, name));
      };
    }
  } catch (cause) {
    const message = `cannot make the directory ${dir}: ${errnoOf(cause) ?? String(cause)}`;
    throw new TransferError('DIRECTORY_NOT_WRITABLE', message, {
      hint: 'name with --to a directory that the user who copies (--user, mysql by default) may make',
      cause,
    });
  }
  throw new TransferError('FILE_EXISTS', `${dir} is not empty`, {
    hint: 'name with --to a directory that is empty or not there yet: a transfer removes what its donor does not have',
  });
}

function makeScratch(scratch: string): string {
  try {
    return mkdtempSync(join(scratch, 'galera-sst-tunnel-rehearsal-'));
  } catch (cause) {
    const code = errnoOf(cause) === 'ENOENT' ? 'DIRECTORY_MISSING' : 'DIRECTORY_NOT_WRITABLE';
    const message = `cannot make a directory in ${scratch}: ${errnoOf(cause) ?? String(cause)}`;
    throw new TransferError(code, message, {
      hint: 'name with --scratch a directory that the user who rehearses (--user) may write to',
      cause,
    });
  }
}
