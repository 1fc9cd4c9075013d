import { chmodSync, chownSync, existsSync, linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { errnoOf, TransferError } from '../errors.js';
import { makeDirectory } from '../make-directory.js';

/** A file to be written. */
export interface NewFile {
  readonly path: string;
  readonly text: string;
  /** 0600 for what holds a key. */
  readonly mode: number;
}

export interface Writing {
  /** Replace what is there. */
  readonly isForced: boolean;
  /** Whose the files become; undefined: this process's. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** What to do rather than to replace what is there. */
  readonly existsHint?: string | undefined;
}

/**
 * Writes all files or, when one exists and that was not wanted, none. Each appears whole, under its final mode and
 * owner: a server that reads it at this moment sees the old or the new one.
 * @throws TransferError FILE_EXISTS, DIRECTORY_NOT_WRITABLE.
 */
export function writeFiles(files: readonly NewFile[], writing: Writing): void {
  const taken = files.map(({ path }) => path).filter((path) => existsSync(path));
  if (taken.length > 0 && !writing.isForced) throw alreadyThere(taken, writing);
  for (const file of files) {
    try {
      writeFile(file, writing);
    } catch (cause) {
      if (cause instanceof TransferError) throw cause;
      const code = errnoOf(cause) ?? String(cause);
      throw new TransferError('DIRECTORY_NOT_WRITABLE', `cannot write ${file.path}: ${code}`, {
        cause,
        hint: 'name another directory with --dir, or run this as root',
      });
    }
  }
}

function writeFile({ path, text, mode }: NewFile, writing: Writing): void {
  const { isForced, owner } = writing;
  openDirectories(dirname(path));
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}`);
  try {
    writeFileSync(draft, text, { mode, flag: 'wx' });
    // Whatever root's umask takes away: a server that cannot read them has no certificates.
    chmodSync(draft, mode);
    if (owner !== undefined) chownSync(draft, owner.uid, owner.gid);
    if (isForced) renameSync(draft, path);
    // unlike a renaming, a link never replaces what somebody else has made in between
    else linkNew(draft, path, writing);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Makes what lacks, and lets everybody into that: only what was there already is as its owner wants it. */
function openDirectories(directory: string): void {
  const uppermost = makeDirectory(directory, 0o755);
  if (uppermost === undefined) return;
  for (let made = resolve(directory); made.length >= uppermost.length; made = dirname(made))
    chmodSync(made, 0o755);
}

function linkNew(draft: string, path: string, writing: Writing): void {
  try {
    linkSync(draft, path);
  } catch (cause) {
    throw errnoOf(cause) === 'EEXIST' ? alreadyThere([path], writing) : cause;
  }
}

function alreadyThere(paths: readonly string[], { existsHint: hint }: Writing): TransferError {
  const verb = paths.length === 1 ? 'exists' : 'exist';
  return new TransferError('FILE_EXISTS', `${paths.join(' and ')} ${verb} already`, { hint });
}
