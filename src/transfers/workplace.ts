import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { placeOf, type Sourced } from '../config/source.js';
import { asTransferError, errnoOf, fileFailure, TransferError, writing } from '../errors.js';
import type { EmitEvent } from '../events.js';
import {
  endProcess,
  identifyThisProcess,
  isOwnProgram,
  stateOf,
  type Holder,
  type HolderState,
} from '../processes/holder.js';
import { forgetTransfer, markAsOpen, markAsOver } from '../processes/marks.js';
import { findMarked } from '../processes/proc.js';
import { startSweeper } from '../processes/sweeper.js';
import { removeTree } from '../remove-tree.js';
import { ownUser } from '../surroundings.js';
import {
  alreadyRunning,
  claimFileName,
  isBeingMade,
  isClaimOf,
  parseClaim,
  placeClaim,
  readClaim,
  takeAwayClaim,
  unreadableClaim,
  type Claim,
} from './claim.js';
import { progressMark, serverAnswers } from './own-files.js';

/** A transfer's private directory is named by this and six random characters. */
export const dirPrefix = 'galera-sst-tunnel-';

/** A transfer's private directory, together with its claim on the data directory. */
export interface Workplace {
  /** Absolute, mode 0700. */
  readonly dir: string;
  /** Writes a private file (0600) below the directory and gives its path. */
  write(name: string, content: string | Iterable<string>): string;
  makeDirectory(name: string): string;
  /**
   * Removes directory, signs and claim; only once, whatever calls it again. What cannot be removed (EROFS) is tried again as long as
   * this process runs, and keeps no other transfer of it away.
   */
  close(): void;
}

/**
 * Claims the data directory for one transfer and makes its private directory. What a crashed transfer left is
 * cleaned up first: its processes are known by their marker, not by pid or name.
 * @throws TransferError ALREADY_RUNNING, DIRECTORY_MISSING, DIRECTORY_NOT_WRITABLE, DISK_FULL.
 */
export function openWorkplace(options: {
  readonly dataDir: string;
  readonly tmpDir: Sourced<string> | undefined;
  readonly transferId: string;
  readonly emit: EmitEvent;
  readonly asked?: Pick<Holder, 'server' | 'ownedBy'> | undefined;
  /** Names of files in the data directory that are to go too, should this process be killed. */
  readonly signs: readonly string[];
  /** How often to try again what could not be removed. */
  readonly retryEveryMs?: number | undefined;
}): Workplace {
  const { dataDir, transferId, emit } = options;
  const claimFile = join(dataDir, claimFileName);
  clearLeftovers(dataDir, transferId, emit);
  const dir = makePrivateDirectory(options.tmpDir);
  const holder: Holder = { owner: identifyThisProcess(), ...options.asked };
  try {
    const signs = options.signs.length === 0 ? {} : { signs: options.signs };
    placeClaim(claimFile, { transferId, ...holder, workDir: dir, ...signs });
  } catch (cause) {
    removeTree(dir);
    if (errnoOf(cause) === 'EEXIST') throw alreadyRunning(dataDir, undefined);
    throw unwritableClaim(claimFile, cause);
  }
  markAsOpen(transferId, JSON.stringify(holder));
  const files = options.signs.map((name) => join(dataDir, name));
  const sweeper = startSweeper({ transferId, dir, claimed: { claimFile, files } });
  const remove = (): boolean => removeAll({ transferId, dir, claimFile, files });
  let isOpen = true;
  return {
    dir,
    write: (name, content) => writePrivate(join(dir, name), content),
    makeDirectory: (name) => {
      const path = join(dir, name);
      writing(path, () => mkdirSync(path, { mode: 0o700 }));
      return path;
    },
    close: () => {
      if (!isOpen) return;
      isOpen = false;
      markAsOver(transferId);
      // Where nothing can be removed what counts is why the transfer ends.
      untilDone(remove, options.retryEveryMs ?? 5000, () => {
        forgetTransfer(transferId);
        sweeper.dismiss();
      });
    },
  };
}

/** Removes what a transfer has made; gives whether nothing of it is left. The next one may have begun meanwhile. */
function removeAll(made: {
  readonly transferId: string;
  readonly dir: string;
  readonly claimFile: string;
  readonly files: readonly string[];
}): boolean {
  const isGone = removeDirectory(made.dir);
  if (!isClaimOf(made.claimFile, made.transferId)) return isGone;
  const areGone = made.files.map(removeFile).every(Boolean);
  // The claim last: as long as it is there the next transfer cleans up itself.
  return isGone && areGone && removeFile(made.claimFile);
}

function removeDirectory(path: string): boolean {
  try {
    removeTree(path);
    return true;
  } catch {
    return false;
  }
}

function removeFile(path: string): boolean {
  try {
    rmSync(path, { force: true });
    return true;
  } catch (error) {
    // The directory of a database that has this name is nothing of ours.
    return errnoOf(error)?.endsWith('EISDIR') === true;
  }
}

/** Does work now, and again and again until it is done; a process that has nothing else to do ends all the same. */
function untilDone(work: () => boolean, everyMs: number, onDone: () => void): void {
  if (work()) {
    onDone();
    return;
  }
  const timer = setInterval(() => {
    if (!work()) return;
    clearInterval(timer);
    onDone();
  }, everyMs);
  timer.unref();
}

function unwritableClaim(claimFile: string, cause: unknown): TransferError {
  const detail = { path: claimFile, option: 'datadir', otherwise: 'DIRECTORY_NOT_WRITABLE' } as const;
  return fileFailure(cause, detail) ?? asTransferError(cause);
}

/**
 * Cleans up after a transfer whose process was killed, for those who will not begin another one; gives whether there
 * was anything.
 * @throws TransferError ALREADY_RUNNING while that process is still there.
 */
export function clearCrashed(options: {
  readonly dataDir: string;
  readonly transferId: string;
  readonly emit: EmitEvent;
}): boolean {
  return clearLeftovers(options.dataDir, options.transferId, options.emit);
}

/**
 * What has become of the transfer that a claim tells of. One whose process this one may not end goes on: a claim that another user has
 * made is believed in nothing that it would have ended.
 */
function stateOfClaim(claimFile: string, claim: Claim): HolderState {
  const state = stateOf(claim.transferId, claim);
  if (state !== 'abandoned') return state;
  const isOwnClaim = lstatSync(claimFile, { throwIfNoEntry: false })?.uid === ownUser().uid;
  return isOwnClaim && isOwnProgram(claim.owner) ? state : 'at work';
}

/** Files that a transfer may have left in the data directory; a claim that does not tell is of an earlier version. */
const removable: readonly string[] = [progressMark, serverAnswers.flushed];
const signsOf = ({ signs = [progressMark] }: Claim): readonly string[] =>
  signs.filter((name) => removable.includes(name));

/** Gives whether there was anything. */
function clearLeftovers(dataDir: string, transferId: string, emit: EmitEvent): boolean {
  const claimFile = join(dataDir, claimFileName);
  const claim = readClaim(claimFile);
  if (claim === undefined) return false;
  const state = stateOfClaim(claimFile, claim);
  if (state === 'at work') throw alreadyRunning(claimFile, claim.owner.pid);
  if (!takeAway(claimFile, claim, transferId)) throw alreadyRunning(claimFile, undefined);
  if (state === 'abandoned') endProcess(claim.owner);
  const pids = findMarked(claim.transferId);
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  if (isOurs(claim.workDir)) removeTree(claim.workDir);
  for (const name of signsOf(claim)) removeFile(join(dataDir, name));
  const how =
    state === 'over'
      ? 'which ended without doing so itself'
      : `whose server is gone and whose process ${claim.owner.pid} was still there`;
  emit({
    kind: 'notice',
    text: `cleaned up after transfer ${claim.transferId}, ${how} (${pids.length} processes ended)`,
  });
  return true;
}

function takeAway(claimFile: string, claim: Claim, transferId: string): boolean {
  try {
    return takeAwayClaim(claimFile, claim, transferId);
  } catch (cause) {
    throw unwritableClaim(claimFile, cause);
  }
}

/** Who has claimed a data directory; `error` is what another transfer would fail with. */
export type ClaimSeen =
  | { readonly kind: 'none' }
  | { readonly kind: 'running' | 'unreadable'; readonly error: TransferError }
  | { readonly kind: 'stale'; readonly paths: readonly string[] };

/** Who has claimed a data directory: nobody, a transfer that runs, or one that has died; nothing is changed. */
export function lookAtClaim(dataDir: string): ClaimSeen {
  const claimFile = join(dataDir, claimFileName);
  let text: string;
  try {
    text = readFileSync(claimFile, 'utf8');
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(cause) ?? '')) return { kind: 'none' };
    return { kind: 'unreadable', error: unreadableClaim(claimFile, cause) };
  }
  const claim = parseClaim(text);
  if (claim === undefined && isBeingMade(claimFile))
    return { kind: 'running', error: alreadyRunning(claimFile, undefined) };
  if (claim !== undefined && stateOfClaim(claimFile, claim) === 'at work')
    return { kind: 'running', error: alreadyRunning(claimFile, claim.owner.pid) };
  const isThere = claim !== undefined && isOurs(claim.workDir);
  return { kind: 'stale', paths: isThere ? [claimFile, claim.workDir] : [claimFile] };
}

/** Only ever remove what this program can have made: the claim lies where the server writes too. */
function isOurs(dir: string): boolean {
  if (!isAbsolute(dir) || !basename(dir).startsWith(dirPrefix)) return false;
  try {
    return statSync(dir).uid === ownUser().uid;
  } catch {
    return false;
  }
}

/** The directory in which a transfer makes its private one: `tmpdir`, or the system's. */
export function temporaryDirectory(setting: Sourced<string> | undefined): string {
  return setting === undefined || setting.value === '' ? tmpdir() : resolve(setting.value);
}

/** Fails as a transfer does where its private directory cannot be made, and makes none. */
export function checkTemporaryDirectory(setting: Sourced<string> | undefined): void {
  const parent = temporaryDirectory(setting);
  try {
    accessSync(join(parent, '/'), constants.W_OK | constants.X_OK);
  } catch (cause) {
    // What is asked is whether that would be refused.
    if (cause instanceof Error) Object.assign(cause, { syscall: 'mkdtemp' });
    throw noPrivateDirectory(parent, setting, cause);
  }
}

function makePrivateDirectory(setting: Sourced<string> | undefined): string {
  const parent = temporaryDirectory(setting);
  try {
    const dir = mkdtempSync(join(parent, dirPrefix));
    chmodSync(dir, 0o700);
    return dir;
  } catch (cause) {
    throw noPrivateDirectory(parent, setting, cause);
  }
}

/** The error of a directory in which no private one can be made. */
function noPrivateDirectory(
  parent: string,
  setting: Sourced<string> | undefined,
  cause: unknown,
): TransferError {
  const where = setting === undefined ? undefined : placeOf(setting.source);
  const detail = { option: 'tmpdir', where };
  if (!existsSync(parent))
    return new TransferError('DIRECTORY_MISSING', `the directory ${parent} does not exist`, {
      ...detail,
      cause,
    });
  const path = `a private directory in ${parent}`;
  return (
    fileFailure(cause, { ...detail, path, otherwise: 'DIRECTORY_NOT_WRITABLE' }) ?? asTransferError(cause)
  );
}

function writePrivate(path: string, content: string | Iterable<string>): string {
  writing(path, () => writeFileSync(path, '', { mode: 0o600 }));
  for (const chunk of typeof content === 'string' ? [content] : content)
    writing(path, () => writeFileSync(path, chunk, { flag: 'a' }));
  return path;
}
