import { join } from 'node:path';
import {
  changedUnderLock,
  keyOf,
  logTablesWritten,
  mayBeSpared,
  mayDiffer,
  restMs,
  sentBefore,
  type SentFiles,
} from '../datadir/changes.js';
import { FileTable, type FileList, type FileName, type Files } from '../datadir/file-table.js';
import { DonorHashes, withHashesOf, type HashedBefore } from '../datadir/hashes.js';
import { isTable } from '../datadir/held.js';
import {
  lookAgain,
  namesInDirectory,
  takeInventory,
  totalSize,
  type Inventory,
  type InventoryFile,
} from '../datadir/inventory.js';
import { changesSince, type SentSince } from '../datadir/manifest-changes.js';
import type { Manifest } from '../datadir/manifest.js';
import { TransferError } from '../errors.js';
import { claimFileName } from './claim.js';
import { ClockWatch } from './clock-watch.js';
import { chooseCompressor } from './compression.js';
import type { TransferContext } from './context.js';
import { copyAhead } from './copy-ahead.js';
import type { Courier } from './courier.js';
import { describe, emptyInventory, refuseExternalTables, type Premises } from './donate.js';
import { releaseLock, takeLock } from './lock.js';
import type { Answer } from './messages.js';
import { findNotFiles } from './not-files.js';
import { report } from './preflight.js';
import { signInterval, withSignsOfLife, type SignsOfLife } from './signs-of-life.js';
import { parseState } from './state.js';
import {
  comparedShare,
  openStreams,
  sendAll,
  waysOf,
  type Pass,
  type PassContents,
  type WaitingStreams,
} from './streams.js';
import { takesNoChecksums } from './tunnel-client.js';
import { delay } from './wait.js';

/**
 * Sends a full copy: offers it, sends what can be sent while the server writes, takes the lock, sends what has changed since and
 * what does not show its changes, releases the lock, and has the joiner confirm that all is there. Gives the copy's state.
 */
export async function sendCopy(premises: Premises, courier: Courier): Promise<string> {
  const { config, layout, context } = premises;
  const { emit, signal } = context;
  const started = context.now().getTime();
  const clock = new ClockWatch(context.now);
  const agreed = await offerCopy(premises, courier, clock);
  if (agreed === undefined) return sendNothing(premises, courier, started);
  const { offered, modules, hashes, signs, look, sender, sent } = agreed;
  if (config.precopy !== 0) emit({ kind: 'phase', phase: 'copying' });
  const ahead = {
    ...{ sent, look },
    lookAtSome: () => {
      clock.look();
      return {
        file: (name: FileName) => lookAgain(layout, name),
        names: (directory: string) => namesInDirectory(layout, directory),
      };
    },
    send: (pass: number, files: Files<InventoryFile>) => sender.sendAhead(pass, files),
  };
  await copyAhead(config, ahead, context);
  if (hashes !== undefined) {
    await withSignsOfLife(signs, signal, async (within) =>
      hashes.takeAhead(await lookAhead(premises, clock, within), within),
    );
  }

  const streams = sender.openLocked(sent.size > 0);
  // A joiner that is gone is noticed here, and while its sign travels the streams connect.
  if (!streams.haveConnected) await signs.send();
  const state = await takeLock(layout.roots.data, context, signs);
  const locked = context.now().getTime();
  let still: Still;
  try {
    emit({ kind: 'phase', phase: 'copying' });
    // What counts as sent under the lock must not have been sent before a leap.
    clock.look();
    const hash: Hash = (inventory, before) =>
      hashes === undefined
        ? Promise.resolve(inventory)
        : withSignsOfLife(signs, signal, (within) => hashes.complete(inventory, within, before));
    still = await sendUnderLock(premises, sent, streams.send, hash);
  } finally {
    // Also when it failed: writers must not wait until the joiner has been told why.
    releaseLock(layout.roots.data, context);
    streams.close();
  }
  const unlocked = context.now().getTime();
  const inventory = hashes === undefined ? still.inventory : withHashesOf(still.hashed, still.inventory);

  emit({ kind: 'phase', phase: 'finishing' });
  const kept = { ...inventory, files: inventory.files.filter((file) => modules[file.place] !== '') };
  const lockSeconds = (unlocked - locked) / 1000;
  const manifest = {
    ...describe(kept, layout, context, state, 'final'),
    ...{ files: kept.files, sentBytes: sender.sentBytes(), lockSeconds },
    writtenUnderLock: still.writtenUnderLock,
  };
  const told = offered === undefined ? manifest : changesSince(offered, manifest, sender.sentSince);
  await settleWithJoiner(courier, told, context);
  emit({
    kind: 'finished',
    bypass: false,
    bytes: inventory.bytes,
    files: inventory.files.length,
    seconds: (context.now().getTime() - started) / 1000,
    lockSeconds,
  });
  return state;
}

/** What donor and joiner have settled before anything is sent. */
interface Agreement {
  /** Of a joiner that need not be told it again at the end. */
  readonly offered: FileList<InventoryFile> | undefined;
  readonly modules: Answer['modules'];
  /** Of a joiner that wants them. */
  readonly hashes: DonorHashes | undefined;
  readonly signs: SignsOfLife;
  /** Gives first what was offered, once: an inventory of very many files must not be kept for longer than it is needed. */
  readonly look: () => Promise<Inventory>;
  readonly sender: Sender;
  /** What the joiner has already. */
  readonly sent: SentFiles;
}

/** Until the donor's first word the joiner counts how long none comes: that is the offer, where it is there before a sign would arrive. */
const firstSignMs = 200;

/** Undefined when the joiner wants nothing of what is offered. */
async function offerCopy(
  premises: Premises,
  courier: Courier,
  clock: ClockWatch,
): Promise<Agreement | undefined> {
  const { config, layout, context } = premises;
  const { emit, signal } = context;
  emit({ kind: 'phase', phase: 'offering' });
  const send = (): Promise<void> => courier.sendSign();
  const lookWith = (signs: SignsOfLife): Promise<Inventory> =>
    withSignsOfLife(signs, signal, (within) => lookAhead(premises, clock, within));
  const everyMs = signInterval([config.idleTimeoutMs]);
  const offered = await lookWith({ send, everyMs, firstMs: Math.min(firstSignMs, everyMs) });
  refuseExternalTables(offered);
  report(findNotFiles(offered), emit);
  const answer = await courier.offer(describe(offered, layout, context, undefined, 'offer'));
  emit({ kind: 'notice', text: `the joiner runs version ${answer.tool} with rsync ${answer.rsync}` });
  if (answer.wantsNothing) return undefined;
  const signs = { send, everyMs: signInterval([config.idleTimeoutMs, answer.idleTimeoutMs]) };
  const missing = missingOf(offered, answer);
  const compressing = {
    ...{ config, layout, answer, courier },
    ...{ own: premises.tools.compressors, files: missing },
  };
  const compressor = await chooseCompressor(compressing, context);
  let first = config.precopy === 0 ? undefined : offered;
  const sent = sentBefore(offered, answer.held.complete.filter(isTable));
  const hashes = answer.wantsHashes ? new DonorHashes(layout) : undefined;
  clock.doubtAfterLeap({ sent, hashes }, context);
  // With hashes no file is told as it was offered.
  const known = answer.takesChanges && hashes === undefined ? offered.files : undefined;
  return {
    ...{ offered: known, modules: answer.modules, hashes, signs, sent },
    look: () => {
      const given = first;
      first = undefined;
      return given === undefined ? lookWith(signs) : Promise.resolve(given);
    },
    sender: senderOf({ ...premises, client: { ...premises.client, compressor } }, answer, {
      ...{ offered: known, underLock: dueUnderLock(offered, answer) },
      // As the joiner counts while it knows the offer only.
      assumedBytes: totalSize(missing),
      tellTotal: (bytes) => courier.sendTotal(bytes),
      slowestMessageMs: () => courier.slowestMessageMs(),
    }),
  };
}

/** A look while the server writes, which counts as taken at the earliest time that it may have been by the times of files. */
async function lookAhead(premises: Premises, clock: ClockWatch, signal: AbortSignal): Promise<Inventory> {
  const leastMs = clock.look();
  const inventory = await takeLook(premises, signal);
  return { ...inventory, takenMs: Math.min(inventory.takenMs, leastMs) };
}

function takeLook({ config, layout }: Premises, signal: AbortSignal): Promise<Inventory> {
  // This transfer's claim: a file of its own on the file system that keeps the tables.
  const clockFile = join(layout.roots.data, claimFileName);
  return takeInventory(layout, { maxBinlogs: config.maxBinlogs, signal, clockFile });
}

/** To a joiner that only rehearses: the state that the server has named, as for an IST. */
async function sendNothing(
  { donation, layout, context }: Premises,
  courier: Courier,
  startedMs: number,
): Promise<string> {
  context.emit({ kind: 'notice', text: 'the joiner only rehearses: nothing is sent, no lock is taken' });
  const state = parseState(donation.state, '--gtid');
  await courier.sendManifest(describe(emptyInventory, layout, context, state, 'bypass'));
  const seconds = (context.now().getTime() - startedMs) / 1000;
  context.emit({ kind: 'finished', bypass: false, bytes: 0, files: 0, seconds, lockSeconds: 0 });
  return state;
}

/** Sends files while the server is locked: what is due, then what has changed meanwhile. */
type SendLocked = (pass: 'copy' | `copy again ${number}`, files: Files<InventoryFile>) => Promise<void>;

/** What sends under the lock. */
interface LockedStreams {
  /** They had the end of the last pass for it, which has just shown that the joiner is there. */
  readonly haveConnected: boolean;
  readonly send: SendLocked;
  /** Ends the connections that nothing was sent over. */
  close(): void;
}

/** Sends the files of one pass after the other. */
interface Sender {
  /** While the server writes: it is no error that a file changes or vanishes. */
  sendAhead(pass: number, files: Files<InventoryFile>): Promise<void>;
  /**
   * Connects what sends under the lock.
   * @param differences the joiner has files already of which only the differences need be sent
   */
  openLocked(differences: boolean): LockedStreams;
  /** In all passes so far. */
  sentBytes(): number;
  /** For a joiner that need not be told everything at the end. */
  readonly sentSince: SentSince;
}

/** What is known of the whole before the first pass. */
interface Whole {
  /** See `Agreement`. */
  readonly offered: FileList<InventoryFile> | undefined;
  /** What will be sent under the lock at least. */
  readonly underLock: FileList<InventoryFile>;
  /** What the joiner takes for the whole. */
  readonly assumedBytes: number;
  readonly tellTotal: (totalBytes: number) => void;
  /** See `Courier`. */
  readonly slowestMessageMs: () => number;
}

/** So much is sent over a connection that is there before others stand. */
const littleBytes = 16 * 1024 * 1024;

/** A process starts, shakes hands and logs in within that time where the joiner is not far away; else a message has taken longer, too. */
const connectsWithinMs = 400;
/** A joiner that was there so short a time ago is there. */
const justNowMs = 1000;

/** Connections for what is sent under the lock. */
interface Connected {
  readonly first: WaitingStreams;
  /** For what changes under the lock. */
  readonly spare: WaitingStreams;
}

/** A total that is wrong by less is not worth a message. */
const worthTelling = 0.005;

/** What has to wait for the lock, whatever is sent before: it counts in the total from the beginning. */
function dueUnderLock(look: Inventory, { modules }: Answer): FileList<InventoryFile> {
  // A table of its own: a selection would keep the whole inventory until the transfer ends.
  return FileTable.of(look.files.filter((file) => !mayBeSpared(file, look) && modules[file.place] !== ''));
}

/** What the joiner does not have. */
function missingOf({ files }: Inventory, { held }: Answer): FileList<InventoryFile> {
  const complete = new Set(held.complete.map(keyOf));
  return complete.size === 0 ? files : files.filter((file) => !complete.has(keyOf(file)));
}

function senderOf(
  { config, layout, client, workplace, context }: Premises,
  { rsync, modules, links, held }: Answer,
  { offered, underLock, assumedBytes, tellTotal, slowestMessageMs }: Whole,
): Sender {
  const withoutChecksums = client.withoutChecksums && takesNoChecksums(rsync);
  const similar = new Set(held.similar.map(keyOf));
  const isSimilar = (file: InventoryFile): boolean => similar.size > 0 && similar.delete(keyOf(file));
  let sentBytes = 0;
  let isFirst = true;
  const sentSince = { again: new FileTable<InventoryFile>(), unoffered: new FileTable<InventoryFile>() };
  let toldBytes = assumedBytes;
  const onTotal = (totalBytes: number): void => {
    if (Math.abs(totalBytes - toldBytes) <= worthTelling * toldBytes) return;
    toldBytes = totalBytes;
    tellTotal(totalBytes);
  };
  const rsyncs = { ...client, withoutChecksums };
  const about = { layout, modules, links, client: rsyncs };
  // What is sent ahead is there to be compared with.
  const laterBytes = Math.round(comparedShare * totalSize(underLock));
  const send = async (
    pass: PassContents & Pick<Pass, 'laterBytes' | 'server' | 'looksAgain' | 'waiting' | 'onNearEnd'>,
    streams = config.streams,
  ): Promise<void> => {
    if (offered !== undefined) {
      for (const file of pass.files) {
        if (!isFirst) sentSince.again.put(file);
        if (!offered.has(file)) sentSince.unoffered.put(file);
      }
    }
    isFirst = false;
    sentBytes += await sendAll({ ...pass, sentBytes, onTotal }, { streams }, workplace, context);
  };
  const connect = (differences: boolean): Connected => {
    const open = (pass: string, files: Files<InventoryFile>, streams: number): WaitingStreams => {
      const expected = { ...about, name: '', files, isSimilar: () => differences };
      return openStreams(waysOf(expected, streams), pass, rsyncs, context);
    };
    const first = open('copy', underLock, config.streams);
    // What changes under the lock are Aria's files, if any.
    const aria = underLock.filter(({ place }) => place === 'aria');
    return { first, spare: open('copy again', aria, 1) };
  };
  /** Opened near the end of a pass, which may turn out not to have been the last. */
  let early: Connected | undefined;
  let passEndedMs = -Infinity;
  const closeEarly = (): void => {
    early?.first.close();
    early?.spare.close();
    early = undefined;
  };
  const takeEarly = (): Connected | undefined => {
    if (early?.first.areFresh() === false) closeEarly();
    const taken = early;
    early = undefined;
    return taken;
  };
  return {
    sentBytes: () => sentBytes,
    sentSince,
    sendAhead: async (pass, files) => {
      const onNearEnd = (): void => {
        if (!context.signal.aborted) early = takeEarly() ?? connect(true);
      };
      // This pass needs the joiner's places for connections itself.
      closeEarly();
      const name = `pass ${pass}`;
      await send({ ...about, name, files, isSimilar, laterBytes, server: 'writing', onNearEnd });
      passEndedMs = performance.now();
    },
    openLocked: (differences) => {
      const isSimilarNow = (file: InventoryFile): boolean => isSimilar(file) || differences;
      const { first, spare } = takeEarly() ?? connect(differences);
      const nowMs = performance.now();
      const sendOver = async (
        name: string,
        files: Files<InventoryFile>,
        waiting: WaitingStreams,
        streams?: number,
      ): Promise<void> => {
        try {
          const pass = { ...about, name, files, isSimilar: isSimilarNow, waiting };
          await send({ ...pass, server: 'locked', looksAgain: true }, streams);
        } finally {
          waiting.close();
        }
      };
      return {
        haveConnected:
          nowMs - first.openedMs > Math.max(connectsWithinMs, slowestMessageMs()) &&
          nowMs - passEndedMs < justNowMs,
        send: (pass, files) => {
          if (pass === 'copy') return sendOver(pass, files, first);
          return sendOver(pass, files, spare, totalSize(files) <= littleBytes ? 1 : undefined);
        },
        close: () => spare.close(),
      };
    },
  };
}

/** What nothing has changed of any more. */
interface Still {
  readonly inventory: Inventory;
  /** See `Manifest`. */
  readonly writtenUnderLock: readonly string[];
  /** The same files, with their hashes where they are wanted. */
  readonly hashed: Inventory;
}

/** Gives an inventory's files their hashes, where they are wanted. */
type Hash = (inventory: Inventory, before?: HashedBefore) => Promise<Inventory>;

async function sendUnderLock(
  premises: Premises,
  sent: SentFiles,
  send: SendLocked,
  hash: Hash,
): Promise<Still> {
  const seen = await see(premises);
  refuseExternalTables(seen.inventory);
  await sendDue(premises, seen.inventory, sent, send);
  return sendUntilStill(premises, seen, send, hash);
}

/** A look under the lock, and when it was taken by the monotonic clock, ms. */
interface Seen {
  readonly inventory: Inventory;
  readonly beganMs: number;
  readonly endedMs: number;
}

async function see(premises: Premises): Promise<Seen> {
  const beganMs = performance.now();
  const inventory = await takeLook(premises, premises.context.signal);
  return { inventory, beganMs, endedMs: performance.now() };
}

async function sendDue(
  { context }: Premises,
  { files }: Inventory,
  sent: SentFiles,
  send: SendLocked,
): Promise<void> {
  const due = files.filter((file) => mayDiffer(file, sent.get(file)));
  if (sent.size > 0) {
    const bytes = totalSize(due);
    const text = `under the lock ${due.length} files with ${bytes} bytes are left to send`;
    context.emit({ kind: 'notice', text });
  }
  sent.clear();
  await send('copy', due);
}

/** How often what has changed under the lock is sent again. */
const roundsAtMost = 5;

/**
 * Under the lock nothing should change any more but the server's log tables; what else does must not go
 * unnoticed. Hashes are taken before the look: what changes between
 * sending and hashing (Aria's checkpoint, 10.11.19) would be another file than the joiner has.
 */
async function sendUntilStill(premises: Premises, first: Seen, send: SendLocked, hash: Hash): Promise<Still> {
  const { context } = premises;
  let before = first;
  let hashed = await hash(first.inventory);
  let rested: Inventory | undefined;
  for (let round = 1; ; round++) {
    let seen = await see(premises);
    let changed = changedUnderLock(before.inventory, seen.inventory, rested);
    if (changed.certainFromMs !== undefined) {
      seen = await seeAtRest(changed.certainFromMs, premises, before, seen);
      changed = changedUnderLock(before.inventory, seen.inventory, rested);
    }
    const { files } = changed;
    const { inventory } = seen;
    if (files.length === 0)
      return { inventory, hashed, writtenUnderLock: logTablesWritten(first.inventory, inventory) };
    const names = Array.from(files, ({ path }) => path)
      .slice(0, 5)
      .join(', ');
    if (round > roundsAtMost)
      throw new TransferError('COPY_INCOMPLETE', `files keep changing under the server's lock: ${names}`);
    const text = `${files.length} files have changed under the lock, or may have (${names}): they are sent again`;
    context.emit({ kind: 'notice', text });
    await send(`copy again ${round}`, files);
    hashed = await hash(inventory, { inventory: hashed, changed: files });
    if (isAtRest(seen, before)) rested = before.inventory;
    before = seen;
  }
}

/** Whether what looks the same in both cannot be written to after the second without showing it, whatever clock gives files their times. */
function isAtRest({ beganMs }: Seen, before: Seen): boolean {
  return beganMs - before.endedMs >= restMs;
}

/**
 * The last look, or a new one if that was taken too early for a write after it to show: before a time by the file system's clock, and
 * too soon after the look before. Writers wait meanwhile, so the earlier of both is waited for.
 */
async function seeAtRest(timeMs: number, premises: Premises, before: Seen, last: Seen): Promise<Seen> {
  const { signal, now } = premises.context;
  const isLateEnough = (seen: Seen): boolean => seen.inventory.takenMs >= timeMs || isAtRest(seen, before);
  if (isLateEnough(last)) return last;
  const untilRestMs = (): number => Math.max(0, restMs - (performance.now() - before.endedMs)) + 1;
  const untilTimeMs = Math.max(0, timeMs - now().getTime()) + 5;
  await delay(Math.min(untilTimeMs, untilRestMs()), signal);
  const seen = await see(premises);
  if (isLateEnough(seen)) return seen;
  await delay(untilRestMs(), signal);
  return see(premises);
}

/** The verdict is asked for at once: the joiner's daemon lets the question wait until it is there. */
async function settleWithJoiner(
  courier: Courier,
  manifest: Manifest,
  { signal }: TransferContext,
): Promise<void> {
  const sending = courier.sendManifest(manifest);
  const verdict = courier.fetchVerdict(sending);
  const sent = sending.catch(async (error: unknown) => {
    if (error instanceof TransferError && error.code === 'TIMED_OUT') throw error;
    // A joiner that has failed closes its tunnel right after saying why: what it says is the better reason.
    const isSettled = await Promise.race([verdict.then(() => true), delay(3000, signal).then(() => false)]);
    if (!isSettled) throw error;
  });
  await Promise.all([verdict, sent]);
}
