import { join } from 'node:path';
import { keyOf, looksSame, mayDiffer, sentBefore, showsChanges, type SentFiles } from '../datadir/changes.js';
import { DonorHashes } from '../datadir/hashes.js';
import { isTable } from '../datadir/held.js';
import { takeInventory, totalSize, type Inventory, type InventoryFile } from '../datadir/inventory.js';
import type { Manifest } from '../datadir/manifest.js';
import { TransferError } from '../errors.js';
import { isAtLeast } from '../processes/tools.js';
import { claimFileName } from './claim.js';
import { chooseCompressor } from './compression.js';
import type { TransferContext } from './context.js';
import { copyAhead } from './copy-ahead.js';
import type { Courier } from './courier.js';
import { describe, refuseExternalTables, type Premises } from './donate.js';
import { releaseLock, takeLock } from './lock.js';
import type { Answer } from './messages.js';
import { signInterval, withSignsOfLife } from './signs-of-life.js';
import { sendAll } from './streams.js';
import { delay } from './wait.js';

/**
 * Sends a full copy: offers it, sends what can be sent while the server writes, takes the lock, sends what has changed since and
 * what does not show its changes, releases the lock, and has the joiner confirm that all is there. Gives the copy's state.
 */
export async function sendCopy(premises: Premises, courier: Courier): Promise<string> {
  const { config, layout, context } = premises;
  const { emit, signal } = context;
  const started = context.now().getTime();
  emit({ kind: 'phase', phase: 'offering' });
  const send = (): Promise<void> => courier.sendSign();
  // The first word from this side: until then the joiner counts how long no donor comes.
  await send();
  const offered = await withSignsOfLife(
    { send, everyMs: signInterval([config.idleTimeoutMs]) },
    signal,
    (within) => look(premises, within),
  );
  refuseExternalTables(offered);
  await courier.sendManifest(describe(offered, layout, context, undefined, 'offer'), 'offer');
  const answer = await courier.fetchAnswer();
  emit({ kind: 'notice', text: `the joiner runs version ${answer.tool} with rsync ${answer.rsync}` });
  const signs = { send, everyMs: signInterval([config.idleTimeoutMs, answer.idleTimeoutMs]) };

  const compressing = {
    config,
    layout,
    answer,
    own: premises.tools.compressors,
    courier,
    files: offered.files,
  };
  const compressor = await chooseCompressor(compressing, context);
  const held = new Set(answer.held.complete.map(keyOf));
  const sender = senderOf({ ...premises, client: { ...premises.client, compressor } }, answer, {
    underLockBytes: sizeOfDueUnderLock(offered, answer),
    // As the joiner counts while it knows the offer only.
    assumedBytes: totalSize(offered.files.filter((file) => !held.has(keyOf(file)))),
    tellTotal: (bytes) => courier.sendTotal(bytes),
  });
  if (config.precopy !== 0) emit({ kind: 'phase', phase: 'copying' });
  const ahead = {
    offered,
    sentBefore: sentBefore(offered, answer.held.complete.filter(isTable)),
    look: () => withSignsOfLife(signs, signal, (within) => look(premises, within)),
    send: (pass: number, files: readonly InventoryFile[]) => sender.send(`pass ${pass}`, files, 'writing'),
  };
  const sent = await copyAhead(config, ahead, context);
  const hashes = answer.wantsHashes ? new DonorHashes(layout) : undefined;
  if (hashes !== undefined) {
    await withSignsOfLife(signs, signal, async (within) =>
      hashes.takeAhead(await look(premises, within), within),
    );
  }

  const state = await takeLock(layout.roots.data, context, signs);
  const locked = context.now().getTime();
  let inventory: Inventory;
  try {
    emit({ kind: 'phase', phase: 'copying' });
    inventory = await sendUnderLock(premises, sent, sender);
    if (hashes !== undefined) {
      const still = inventory;
      inventory = await withSignsOfLife(signs, signal, (within) => hashes.complete(still, within));
    }
  } finally {
    // Also when it failed: writers must not wait until the joiner has been told why.
    releaseLock(layout.roots.data, context);
  }
  const unlocked = context.now().getTime();

  emit({ kind: 'phase', phase: 'finishing' });
  const kept = { ...inventory, files: inventory.files.filter((file) => answer.modules[file.place] !== '') };
  const manifest = describe(kept, layout, context, state, 'final');
  await settleWithJoiner(courier, { ...manifest, sentBytes: sender.sentBytes() }, context);
  emit({
    kind: 'finished',
    bypass: false,
    bytes: inventory.bytes,
    files: inventory.files.length,
    seconds: (context.now().getTime() - started) / 1000,
    lockSeconds: (unlocked - locked) / 1000,
  });
  return state;
}

function look({ config, layout }: Premises, signal: AbortSignal): Promise<Inventory> {
  // This transfer's claim: a file of its own on the file system that keeps the tables.
  const clockFile = join(layout.roots.data, claimFileName);
  return takeInventory(layout, { maxBinlogs: config.maxBinlogs, signal, clockFile });
}

/** Sends the files of one pass after the other. */
interface Sender {
  /** @param server whether the server writes meanwhile: then it is no error that a file changes or vanishes */
  send(pass: string, files: readonly InventoryFile[], server: 'writing' | 'locked'): Promise<void>;
  /** In all passes so far. */
  sentBytes(): number;
}

/** What is known of the whole before the first pass. */
interface Whole {
  /** What will be sent under the lock at least. */
  readonly underLockBytes: number;
  /** What the joiner takes for the whole. */
  readonly assumedBytes: number;
  readonly tellTotal: (totalBytes: number) => void;
}

/** A total that is wrong by less is not worth a message. */
const worthTelling = 0.005;

/** What has to wait for the lock, whatever is sent before: it counts in the total from the beginning. */
function sizeOfDueUnderLock({ files }: Inventory, { modules }: Answer): number {
  const due = files.filter((file) => !showsChanges(file) && modules[file.place] !== '');
  return totalSize(due);
}

function senderOf(
  { config, layout, client, workplace, context }: Premises,
  answer: Answer,
  { underLockBytes, assumedBytes, tellTotal }: Whole,
): Sender {
  const withoutChecksums = client.withoutChecksums && isAtLeast(answer.rsync, '3.2.0');
  const similar = new Set(answer.held.similar.filter(isTable).map(keyOf));
  let sentBytes = 0;
  let toldBytes = assumedBytes;
  const onTotal = (totalBytes: number): void => {
    if (Math.abs(totalBytes - toldBytes) <= worthTelling * toldBytes) return;
    toldBytes = totalBytes;
    tellTotal(totalBytes);
  };
  return {
    sentBytes: () => sentBytes,
    send: async (name, all, server) => {
      const files = all.map((file) => (similar.delete(keyOf(file)) ? { ...file, similar: true } : file));
      const { modules, links } = answer;
      const what = { name, files, layout, modules, links, client: { ...client, withoutChecksums } };
      const laterBytes = server === 'writing' ? underLockBytes : 0;
      sentBytes += await sendAll(
        { ...what, sentBytes, laterBytes, onTotal, server },
        config,
        workplace,
        context,
      );
    },
  };
}

async function sendUnderLock(premises: Premises, sent: SentFiles, sender: Sender): Promise<Inventory> {
  const { context } = premises;
  const inventory = await look(premises, context.signal);
  refuseExternalTables(inventory);
  const due = inventory.files.filter((file) => mayDiffer(file, sent.get(keyOf(file))));
  if (sent.size > 0) {
    const bytes = totalSize(due);
    const text = `under the lock ${due.length} files with ${bytes} bytes are left to send`;
    context.emit({ kind: 'notice', text });
  }
  await sender.send('copy', due, 'locked');
  return sendUntilStill(premises, inventory, sender);
}

/** How often what has changed under the lock is sent again. */
const roundsAtMost = 5;

/**
 * Under the lock nothing should change any more; the server's log tables (`log_output=TABLE`) do, and what else does must not go
 * unnoticed. Gives the inventory after which nothing has changed.
 */
async function sendUntilStill(premises: Premises, sent: Inventory, sender: Sender): Promise<Inventory> {
  const { context } = premises;
  let before = sent;
  for (let round = 1; ; round++) {
    const inventory = await look(premises, context.signal);
    const known = new Map(before.files.map((file) => [keyOf(file), file]));
    const changed = inventory.files.filter((file) => {
      const then = known.get(keyOf(file));
      return then === undefined || !looksSame(file, then);
    });
    if (changed.length === 0) return inventory;
    const names = changed
      .slice(0, 5)
      .map(({ path }) => path)
      .join(', ');
    if (round > roundsAtMost)
      throw new TransferError('COPY_INCOMPLETE', `files keep changing under the server's lock: ${names}`);
    const text = `${changed.length} files have changed under the lock (${names}): they are sent again`;
    context.emit({ kind: 'notice', text });
    await sender.send(`copy again ${round}`, changed, 'locked');
    before = inventory;
  }
}

/** The verdict is asked for at once: the joiner's daemon lets the question wait until it is there. */
async function settleWithJoiner(
  courier: Courier,
  manifest: Manifest,
  { signal }: TransferContext,
): Promise<void> {
  const verdict = courier.fetchVerdict();
  const sent = courier.sendManifest(manifest, 'final').catch(async (error: unknown) => {
    // A joiner that has failed closes its tunnel right after saying why: what it says is the better reason.
    const isSettled = await Promise.race([verdict.then(() => true), delay(3000, signal).then(() => false)]);
    if (!isSettled) throw error;
  });
  await Promise.all([verdict, sent]);
}
