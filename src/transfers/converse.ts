import { join as joinPath } from 'node:path';
import { adoptBinlogs, clearBinlogs } from '../datadir/binlogs.js';
import { findCollisions } from '../datadir/collisions.js';
import { compareWithManifest, isUnexpected, type Difference } from '../datadir/compare.js';
import { totalSize } from '../datadir/inventory.js';
import { checkSpace } from '../datadir/space-check.js';
import { disownOthers } from '../datadir/held.js';
import { withChanges } from '../datadir/manifest-changes.js';
import { decodeManifest, type Manifest } from '../datadir/manifest.js';
import { linesOf, readPieces } from '../datadir/text-lines.js';
import { places, type Layout } from '../datadir/layout.js';
import { findObstacles } from '../datadir/obstacles.js';
import { findSchemaLinks } from '../datadir/schema-links.js';
import { prepareDirectories, removeUnlisted, removeUnlistedBinlogs } from '../datadir/removal.js';
import { TransferError, type Finding } from '../errors.js';
import { messageFiles, type JoinerPlan } from '../plan/joiner.js';
import { originalCompletionFile, placeModules } from '../plan/modules.js';
import { releaseReceived } from '../page-cache/release.js';
import type { SupervisedChild } from '../processes/supervise.js';
import { compareEarly, isCompleteSince, type EarlyComparison } from './early-comparison.js';
import { describeDifferences } from './differences.js';
import { withinIdleTimeout } from './idle.js';
import { encodeHeld, encodeTold, peerError, readTold, readTotal } from './messages.js';
import { acceptFromOriginal } from './original-donor.js';
import { report } from './preflight.js';
import { followProgress } from './progress.js';
import { limitReceivers } from './receive-rate.js';
import { countReceived } from './received.js';
import type { Conversation, Reception } from './reception.js';
import { offeredBinlogs } from './partial-copy.js';
import { takeStock } from './resume.js';
import { parseState } from './state.js';
import { showVerification } from './verification-signs.js';
import { verifyContents } from './verify-contents.js';
import { giveVerdict, letDonorGo } from './verdict.js';
import { unlessThrown, waitForFile } from './wait.js';

/** The donor's messages, one after the other; gives the state line. */
export async function converse(context: Conversation, listener: SupervisedChild): Promise<string> {
  const { plan, layout, signal, emit } = context;
  const offer = joinPath(plan.inbox, messageFiles.offer);
  const final = joinPath(plan.inbox, messageFiles.final);
  const failure = joinPath(plan.inbox, messageFiles.failure);
  const original = joinPath(layout.roots.data, originalCompletionFile);
  const idle = { ...context, listener };
  const first = await withinIdleTimeout(idle, waitForEither(context, [failure, final, offer, original]));
  if (first === failure) throw readDonorFailure(failure);
  if (first === original) {
    await letDonorGo(listener, signal);
    context.daemonLog.catchUp();
    // An IST consists of the completion file alone; an SST writes to the redo log's module too.
    const isSnapshot = context.written.has(placeModules['innodb-log']);
    const { startedMs, now, ownFiles: own } = context;
    return acceptFromOriginal(original, layout, { isSnapshot, own, startedMs, emit, now, signal });
  }
  if (first === offer && context.offerOnly !== undefined) {
    return lookAtOffer(context, context.offerOnly, { offer, final, failure }, listener);
  }
  const offeredMs = context.now().getTime();
  const received =
    first === offer
      ? await receiveFiles(context, { offer, final, failure }, listener)
      : { manifest: decodeManifest(linesOf(readPieces(final)), 'the manifest') };
  const { manifest } = received;
  if (manifest.sinceOffer !== undefined)
    throw new TransferError(
      'PEER_PROTOCOL',
      'the manifest names only what has changed since the offer, which was not asked for',
    );
  const state = parseState(manifest.gtid ?? '', 'the manifest');
  if (manifest.pass === 'bypass') {
    await letDonorGo(listener, signal);
    emit({ kind: 'finished', bypass: true, bytes: 0, files: 0, seconds: 0 });
    return state;
  }
  await unlessDonorFails(context, failure, async (within) => {
    await verify({ ...context, signal: within }, received, offeredMs);
    await giveVerdict({ ...context, signal: within }, listener);
  });
  return state;
}

/**
 * Works on what the donor has sent until the donor says that it has failed after all (an administrator has ended it): Galera then ends this
 * node's server, of which nobody would know why.
 */
async function unlessDonorFails(
  { plan, signal }: Reception,
  failure: string,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  await unlessThrown(signal, work, async (within) => {
    await waitForFile(plan.inbox, [failure], within);
    throw readDonorFailure(failure);
  });
}

/** A donor that runs the original script writes its completion file into the data directory, all others into the inbox. */
async function waitForEither({ plan, layout, signal }: Reception, paths: readonly string[]): Promise<string> {
  const enough = new AbortController();
  const either = AbortSignal.any([signal, enough.signal]);
  try {
    return await Promise.race([
      waitForFile(plan.inbox, paths.slice(0, -1), either),
      waitForFile(layout.roots.data, paths.slice(-1), either),
    ]);
  } finally {
    enough.abort(new Error('no longer waiting'));
  }
}

function readDonorFailure(file: string): TransferError {
  const told = readTold(file);
  return told.ok
    ? new TransferError('PEER_PROTOCOL', 'the donor sent a failure without a cause')
    : peerError('donor', told.failure);
}

interface DonorMessages {
  readonly offer: string;
  readonly final: string;
  readonly failure: string;
}

/** For a rehearsal: the donor's state, without taking anything of what it offers. */
async function lookAtOffer(
  context: Conversation,
  tell: (offer: Manifest) => void,
  { offer, final, failure }: DonorMessages,
  listener: SupervisedChild,
): Promise<string> {
  const { plan, tools, version, outbox, signal } = context;
  const offered = decodeManifest(linesOf(readPieces(offer)), 'the offer');
  // No module for any kind of file: nothing can be sent, whatever the donor makes of the answer.
  const modules = Object.fromEntries(places.map((place) => [place, '']));
  const answer = { tool: version, rsync: tools.rsync, modules, wantsNothing: true };
  outbox.publish(plan.answer, messageFiles.answer, encodeTold({ ok: true, value: answer }));
  const idle = { ...context, listener };
  const next = await withinIdleTimeout(idle, waitForFile(plan.inbox, [failure, final], signal));
  if (next === failure) throw readDonorFailure(failure);
  const { gtid } = decodeManifest(linesOf(readPieces(final)), 'the manifest');
  await letDonorGo(listener, signal);
  tell(offered);
  return parseState(gtid ?? '', 'the manifest');
}

/** To compare fewer at the end takes less time than the system needs to start writing them. */
const manyFiles = 2000;
/** To compare more before the end, both sides would have to keep the offer beside two other tables: 11 MB for 100,000 files each. */
const comparedEarlyAtMost = 60_000;

/** What has come from a donor. */
interface Received {
  /** Of all that the donor has sent. */
  readonly manifest: Manifest;
  /** Whether it is known, or soon found out, that all of it is here; `onEntry` is told of each file that is looked at. */
  readonly isComplete?: (onEntry: () => void) => Promise<boolean>;
}

/** Takes what the donor offers; gives what it has sent. */
async function receiveFiles(
  context: Conversation,
  { offer, final, failure }: DonorMessages,
  listener: SupervisedChild,
): Promise<Received> {
  const { plan, layout, signal, emit } = context;
  const { offeredFiles, expectedBytes, heldBytes, early, stopReleasing } = await answerOffer(
    context,
    offer,
    listener.pid,
  );
  emit({ kind: 'phase', phase: 'copying' });
  const hasMany = offeredFiles >= manyFiles;
  const total = joinPath(plan.inbox, messageFiles.total);
  const expected = (): number => readTotal(total) ?? expectedBytes;
  const streams = countReceived(listener.pid ?? 0);
  const progress = followProgress(expected, streams, context);
  const received = (): number => streams().reduce((sum, { doneBytes }) => sum + doneBytes, 0);
  const unlimit = context.rate === undefined ? undefined : limitReceivers(listener.pid ?? 0, context.rate);
  const stopWriting = hasMany ? context.disk.keepUp(received, expected) : undefined;
  try {
    const idle = { ...context, listener };
    const told = unlessThrown(
      signal,
      (within) => waitForFile(plan.inbox, [failure, final], within),
      (within) => context.disk.untilFailed(within),
    );
    const next = await withinIdleTimeout(idle, told);
    if (next === failure) throw readDonorFailure(failure);
    // All is here, and the donor's lock is released.
    if (context.config.verify === 'checksum' || hasMany) context.disk.begin();
    const changes = decodeManifest(linesOf(readPieces(final)), 'the manifest');
    const manifest = early === undefined ? changes : withChanges(early.offer, changes);
    progress.complete(manifest.sentBytes ?? Math.max(0, totalSize(manifest.files) - heldBytes));
    if (early === undefined || changes.sinceOffer === undefined) {
      early?.stop();
      return { manifest };
    }
    const isComplete = async (onEntry: () => void): Promise<boolean> => {
      const found = await early.found(onEntry);
      if (found === undefined) return false;
      const told = { offer: early.offer, changes, whole: manifest };
      if (!(await isCompleteSince(layout, found, told, { signal, onEntry }))) return false;
      const text = `${manifest.files.length} files were compared before the donor's last word, and what has changed since, ${changes.files.length}, after it`;
      emit({ kind: 'notice', text });
      return true;
    };
    return { manifest, isComplete };
  } catch (error) {
    early?.stop();
    throw error;
  } finally {
    stopWriting?.();
    unlimit?.();
    progress.stop();
    stopReleasing();
  }
}

/** Makes room and directories for what the donor offers, and tells it where everything goes; gives the bytes to come. */
async function answerOffer(
  context: Conversation,
  offerFile: string,
  listenerPid: number | undefined,
): Promise<{
  readonly offeredFiles: number;
  readonly expectedBytes: number;
  readonly heldBytes: number;
  /** Of many files. */
  readonly early: EarlyComparison | undefined;
  readonly stopReleasing: () => void;
}> {
  const { id, config, plan, layout, tools, version, signal, emit, partial, outbox } = context;
  const offer = decodeManifest(linesOf(readPieces(offerFile)), 'the offer');
  const bytes = totalSize(offer.files);
  emit({ kind: 'notice', text: `the donor offers ${offer.files.length} files with ${bytes} bytes` });
  report(await checkSpace(layout, offer, config.directories, signal), emit);
  report([...findObstructedSchemas(layout, offer), ...findCollisions(layout, offer)], emit);
  const held = takeStock(layout, offer, emit);
  // Before the marker is this transfer's: until then the last one's says what may be believed.
  await disownOthers(layout, offer, held, signal);
  const received = offeredBinlogs(layout.roots.data);
  partial.begin(readPieces(offerFile));
  clearBinlogs(layout);
  await removeUnlisted(layout, offer, { signal, received });
  prepareDirectories(layout, offer);
  const { idleTimeoutMs } = config;
  const { length } = offer.files;
  // With hashes a donor tells all files again.
  const isEarly = length >= manyFiles && length <= comparedEarlyAtMost && config.verify !== 'checksum';
  const answer = {
    tool: version,
    rsync: tools.rsync,
    compressors: tools.compressors,
    modules: plan.modules,
    links: stillLinked(plan, layout),
    held: encodeHeld(held),
    wantsHashes: config.verify === 'checksum',
    idleTimeoutMs,
    tellsProgress: true,
    takesChanges: isEarly,
  };
  const expectedBytes = bytes - held.completeBytes;
  // From here on connections are counted.
  const early = isEarly ? compareEarly(context, offer, expectedBytes) : undefined;
  outbox.publish(plan.answer, messageFiles.answer, encodeTold({ ok: true, value: answer }));
  const stopReleasing =
    config.pageCache === 'drop'
      ? releaseReceived(layout, offer, held, listenerPid, { transferId: id, emit, signal })
      : () => undefined;
  return {
    ...{ offeredFiles: offer.files.length, expectedBytes, early },
    heldBytes: held.completeBytes,
    stopReleasing,
  };
}

/** Before anything is changed here: a file at the top of the data directory is none of a transfer's, and stays. */
function findObstructedSchemas({ roots }: Layout, { directories }: Manifest): readonly Finding[] {
  const paths = directories.map((path) => joinPath(roots.data, path));
  return findObstacles(paths, 'directory', 'move it away: the donor has a directory of that name');
}

/** A link to what the donor has not is gone by now. */
function stillLinked({ links }: JoinerPlan, layout: Layout): readonly (readonly [string, string])[] {
  const present = new Map(findSchemaLinks(layout).map(({ name, target }) => [name, target]));
  return links
    .filter(({ name, target }) => present.get(name) === target)
    .map(({ name, module }) => [name, module] as const);
}

/** Nothing is assumed complete: what lies on disk is compared with what the donor says it sent. */
async function verify(
  context: Conversation,
  { manifest, isComplete }: Received,
  offeredMs: number,
): Promise<void> {
  const { layout, emit, now, signal, daemonLog } = context;
  emit({ kind: 'phase', phase: 'verifying' });
  // The daemon has written all of it by now; that it could not write a file may have been read by nobody yet.
  daemonLog.catchUp();
  signal.throwIfAborted();
  const onRead = showVerification(context);
  const onEntry = (): void => onRead(1);
  const received = offeredBinlogs(layout.roots.data);
  removeUnlistedBinlogs(layout, manifest.binlogs, received);
  if ((await isComplete?.(onEntry)) !== true) await compareAll(context, manifest, { onEntry, received });
  await verifyContents(context, manifest, onRead);
  adoptBinlogs(layout, manifest.binlogs);
  emit({
    kind: 'finished',
    bypass: false,
    bytes: totalSize(manifest.files),
    files: manifest.files.length,
    seconds: (now().getTime() - offeredMs) / 1000,
    donorLockSeconds: manifest.lockSeconds,
  });
}

/** Removes what the donor does not have, and holds everything else against its manifest. */
async function compareAll(
  { layout, signal }: Conversation,
  manifest: Manifest,
  { onEntry, received }: { readonly onEntry: () => void; readonly received: readonly string[] },
): Promise<void> {
  prepareDirectories(layout, manifest);
  const seen = { others: false };
  const onOther = (): void => void (seen.others = true);
  const compare = (): Promise<Difference[]> =>
    compareWithManifest(layout, manifest, { signal, onEntry, onOther });
  let differences = await compare();
  // Mostly no name has gone since the offer, and that shows here without another look at all files.
  if (seen.others || differences.some(isUnexpected)) {
    await removeUnlisted(layout, manifest, { signal, onEntry, received });
    differences = await compare();
  }
  if (differences.length > 0) throw new TransferError('COPY_INCOMPLETE', describeDifferences(differences));
}
