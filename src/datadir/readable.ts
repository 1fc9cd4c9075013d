import type { Stats } from 'node:fs';
import { closeSync, openSync } from 'node:fs';
import { errnoOf, TransferError } from '../errors.js';
import { ownUser } from '../surroundings.js';
import { ownershipOf } from './space.js';

/**
 * A check whether this process may read a file, for very many of them: only where owner and mode say no is the system asked,
 * which may know better (access control lists, capabilities). It is made once and then asked for each file.
 * @throws TransferError (the check) FILE_UNREADABLE.
 */
export function readingCheck(): (stat: Stats, path: () => string) => void {
  const { uid, gid } = ownUser();
  const groups = new Set([gid, ...(process.getgroups?.() ?? [])]);
  return (stat, path) => {
    if (uid === 0 || (stat.mode & readBit(stat)) !== 0) return;
    requireReadable(path(), stat);
  };

  function readBit(stat: Stats): number {
    if (stat.uid === uid) return 0o400;
    return groups.has(stat.gid) ? 0o040 : 0o004;
  }
}

function requireReadable(path: string, stat: Stats): void {
  try {
    // Unlike access(2) this asks for the effective user, as rsync will.
    closeSync(openSync(path, 'r'));
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return;
    const got = `${ownershipOf(stat)} for ${path} (${errnoOf(cause) ?? String(cause)})`;
    throw new TransferError('FILE_UNREADABLE', `expected a readable file, got ${got}`, { cause });
  }
}
