import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
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
import { findMarked, identify, isAlive, type ProcessIdentity } from '../processes/proc.js';
import { startSweeper } from '../processes/spawn.js';
import { ownUser } from '../surroundings.js';
import {
  alreadyRunning,
  claimFileName,
  parseClaim,
  placeClaim,
  readClaim,
  takeAwayClaim,
  unreadableClaim,
} from './claim.js';

/** A transfer's private directory is named by this and six random characters. */
export const dirPrefix = 'galera-sst-tunnel-';

/** A transfer's private directory, together with its claim on the data directory. */
export interface Workplace {
  /** Absolute, mode 0700. */
  readonly dir: string;
  /** Writes a private file (0600) below the directory and gives its path. */
  write(name: string, content: string | Iterable<string>): string;
  makeDirectory(name: string): string;
  /** Removes directory and claim; only once, whatever calls it again. */
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
  /** Names of files in the data directory that are to go too, should this process be killed. */
  readonly signs: readonly string[];
}): Workplace {
  const { dataDir, transferId, emit } = options;
  const claimFile = join(dataDir, claimFileName);
  clearLeftovers(claimFile, transferId, emit);
  const dir = makePrivateDirectory(options.tmpDir);
  try {
    placeClaim(claimFile, { transferId, owner: identifyThisProcess(), workDir: dir });
  } catch (cause) {
    rmSync(dir, { recursive: true, force: true });
    if (errnoOf(cause) === 'EEXIST') throw alreadyRunning(dataDir, undefined);
    const detail = { path: claimFile, option: 'datadir', otherwise: 'DIRECTORY_NOT_WRITABLE' } as const;
    throw fileFailure(cause, detail) ?? cause;
  }
  // The claim last: as long as it is there the next transfer cleans up itself.
  const signs = options.signs.map((name) => join(dataDir, name));
  const sweeper = startSweeper([dir, ...signs, claimFile], transferId);
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
      // Once closed, the next transfer may begin at once: what lies there then is its claim.
      if (!isOpen) return;
      isOpen = false;
      try {
        rmSync(dir, { recursive: true, force: true });
        rmSync(claimFile, { force: true });
        sweeper.dismiss();
      } catch {
        // Where nothing can be removed (EROFS) what counts is why the transfer ends; the sweeper tries again, and the next transfer.
      }
    },
  };
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
  const claimFile = join(options.dataDir, claimFileName);
  if (readClaim(claimFile) === undefined) return false;
  clearLeftovers(claimFile, options.transferId, options.emit);
  return true;
}

function clearLeftovers(claimFile: string, transferId: string, emit: EmitEvent): void {
  const claim = readClaim(claimFile);
  if (claim === undefined) return;
  if (isAlive(claim.owner)) throw alreadyRunning(claimFile, claim.owner.pid);
  if (!takeAwayClaim(claimFile, claim, transferId)) throw alreadyRunning(claimFile, undefined);
  const pids = findMarked(claim.transferId);
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  if (isOurs(claim.workDir)) rmSync(claim.workDir, { recursive: true, force: true });
  emit({
    kind: 'notice',
    text: `cleaned up after transfer ${claim.transferId}, which ended without doing so itself (${pids.length} processes ended)`,
  });
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
  if (claim !== undefined && isAlive(claim.owner))
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

function identifyThisProcess(): ProcessIdentity {
  return identify(process.pid) ?? { pid: process.pid, startTicks: 0, bootId: '' };
}
