import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { errnoOf, TransferError } from '../errors.js';
import { parseHolder, type Holder } from '../processes/holder.js';
import { currentTime } from '../surroundings.js';

/** The file in the data directory that says which transfer is at work on it. */
export const claimFileName = '.galera-sst-tunnel.json';

/** A transfer's claim on a data directory. */
export interface Claim extends Holder {
  readonly transferId: string;
  readonly workDir: string;
  /** Names of files in the data directory that are the transfer's. */
  readonly signs?: readonly string[] | undefined;
}

/**
 * The claim appears whole, and of two scripts that start at the same moment one gets it: a link is never replaced.
 * Where there are no hard links (exFAT, some network and FUSE file systems) the file is there before it is written: see `isBeingMade`.
 * @param link makes a hard link
 * @throws an error with the code EEXIST when there is a claim already
 */
export function placeClaim(claimFile: string, claim: Claim, link = linkSync): void {
  const draft = `${claimFile}.${claim.transferId}`;
  const text = `${JSON.stringify(claim)}\n`;
  try {
    writeFileSync(draft, text, { mode: 0o600 });
    placeWhole(draft, claimFile, text, link);
  } finally {
    rmSync(draft, { force: true });
  }
}

function placeWhole(draft: string, claimFile: string, text: string, link: typeof linkSync): void {
  try {
    link(draft, claimFile);
  } catch (error) {
    if (!withoutLinks.has(errnoOf(error))) throw error;
    writeFileSync(claimFile, text, { mode: 0o600, flag: 'wx' });
  }
}

/** What link(2) fails with where it is not supported. */
const withoutLinks: ReadonlySet<unknown> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/**
 * Removes a stale claim, and only that: in between another script may have removed it and made its own. Gives whether none is left.
 * @throws an error with the code EROFS, EACCES and the like when it cannot be removed
 */
export function takeAwayClaim(claimFile: string, stale: Claim, transferId: string): boolean {
  const aside = `${claimFile}.${transferId}`;
  try {
    renameSync(claimFile, aside);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    // A sweeper was quicker.
    return true;
  }
  const isStale = isClaimOf(aside, stale.transferId);
  if (!isStale) {
    try {
      placeWhole(aside, claimFile, readFileSync(aside, 'utf8'), linkSync);
    } catch {
      // Yet another claim stands there.
    }
  }
  rmSync(aside, { force: true });
  return isStale;
}

/**
 * Reads a claim; undefined when there is none.
 * @throws TransferError ALREADY_RUNNING when it cannot be read: a transfer of another user may be at work, or one is about to begin.
 */
export function readClaim(claimFile: string): Claim | undefined {
  let text: string;
  try {
    text = readFileSync(claimFile, 'utf8');
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ENOTDIR') return undefined;
    throw unreadableClaim(claimFile, cause);
  }
  const claim = parseClaim(text);
  if (claim !== undefined) return claim;
  if (isBeingMade(claimFile)) throw alreadyRunning(claimFile, undefined);
  // Cut short by a crash: nothing to be learnt from it.
  rmSync(claimFile, { force: true });
  return undefined;
}

/** For how long a claim that says nothing may be one that somebody is about to write. */
const madeWithinMs = 5000;

/** Whether a claim that says nothing is that of a script that has created the file and not written it yet. */
export function isBeingMade(claimFile: string): boolean {
  const stat = statSync(claimFile, { throwIfNoEntry: false });
  // A clock that was set back, or another host's, keeps nobody away for long.
  return stat !== undefined && Math.abs(currentTime().getTime() - stat.mtimeMs) < madeWithinMs;
}

/** Whether the claim there is this transfer's. */
export function isClaimOf(claimFile: string, transferId: string): boolean {
  try {
    return parseClaim(readFileSync(claimFile, 'utf8'))?.transferId === transferId;
  } catch {
    return false;
  }
}

/** The claim that a text holds; undefined if it is none. */
export function parseClaim(text: string): Claim | undefined {
  try {
    const { transferId, workDir, signs, ...rest } = JSON.parse(text) as Partial<Record<keyof Claim, unknown>>;
    const holder = parseHolder(rest);
    if (holder === undefined || typeof transferId !== 'string' || typeof workDir !== 'string')
      return undefined;
    return { transferId, ...holder, workDir, ...(isListOfNames(signs) ? { signs } : {}) };
  } catch {
    // Not JSON, or not an object.
    return undefined;
  }
}

function isListOfNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}

/** The error for a data directory that another transfer has claimed. */
export function alreadyRunning(what: string, pid: number | undefined): TransferError {
  return new TransferError(
    'ALREADY_RUNNING',
    `another transfer is at work on this data directory${pid === undefined ? '' : ` (process ${pid}, ${what})`}`,
  );
}

/** The error for a claim that this user may not read. */
export function unreadableClaim(claimFile: string, cause: unknown): TransferError {
  const owner = statSync(claimFile, { throwIfNoEntry: false })?.uid;
  return new TransferError(
    'ALREADY_RUNNING',
    `another transfer may be at work on this data directory: its claim ${claimFile}, a file of user ${owner ?? 'unknown'}, cannot be read (${String(errnoOf(cause))})`,
    {
      hint: 'see whether a galera-sst-tunnel of that user runs (plan or a script started by hand as root? pgrep -af galera-sst-tunnel); if none does, remove the file',
      cause,
    },
  );
}
