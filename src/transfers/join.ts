import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join as joinPath } from 'node:path';
import { formatAddress } from '../config/address.js';
import type { Config } from '../config/config.js';
import { placeOf } from '../config/source.js';
import { adoptBinlogs, clearBinlogs } from '../datadir/binlogs.js';
import { compareWithManifest } from '../datadir/compare.js';
import { resolveLayout, type Layout } from '../datadir/layout.js';
import { decodeManifest, type Manifest } from '../datadir/manifest.js';
import { prepareDirectories, removeUnlisted } from '../datadir/removal.js';
import { TransferError } from '../errors.js';
import { messageFiles, planJoiner, type JoinerPlan } from '../plan/joiner.js';
import {
  dataModule,
  messageModules,
  originalCompletionFile,
  placeModules,
  transferUser,
} from '../plan/modules.js';
import type { SupervisedChild } from '../processes/supervise.js';
import { findTools, type Tools } from '../processes/tools.js';
import type { TransferContext } from './context.js';
import { checkOwnCredentials, loadCredentials, tunnelFiles } from './credentials.js';
import { followDaemonLog, type FollowedLog } from './daemon-log.js';
import { describeDifferences } from './differences.js';
import { withinIdleTimeout } from './idle.js';
import { localBindAddress, startListener, untilIdle } from './listener.js';
import { withLifetime } from './lifetime.js';
import { encodeTold, peerError, readTold, tell } from './messages.js';
import { checkPlaces, checkPort, report } from './preflight.js';
import { acceptFromOriginal, prepareForOriginal, type FileStamps } from './original-donor.js';
import { followProgress } from './progress.js';
import { countReceived } from './received.js';
import { parseState } from './state.js';
import { delay, untilAborted, waitForFile, within } from './wait.js';
import { openWorkplace, type Workplace } from './workplace.js';

/**
 * The joiner's side of one transfer: checks itself, listens, tells the server where, lets the donor write, holds what
 * came against the donor's manifest, and gives the server the state that the copy has.
 * @throws TransferError; before `ready` was said the data directory is untouched.
 */
export async function join(config: Config, context: TransferContext): Promise<void> {
  await withLifetime(context, (within) => joinWithin(config, within));
}

async function joinWithin(config: Config, context: TransferContext): Promise<void> {
  const { emit, say } = context;
  emit({ kind: 'phase', phase: 'checking' });
  const layout = resolveLayout(config.directories, hostname());
  report(checkPlaces(config, layout), emit);
  const credentials = loadCredentials(config);
  report(checkOwnCredentials(config, credentials, context.now()), emit);
  const [tools, bind] = await Promise.all([findTools(), localBindAddress(config)]);
  const workplace = openWorkplace({
    dataDir: layout.roots.data,
    tmpDir: config.tmpDir,
    transferId: context.id,
    emit,
  });
  try {
    checkPort(config, bind);
    const files = tunnelFiles(credentials, (pem) => workplace.write('identity.pem', pem));
    const plan = planJoiner({ config, layout, files, workDir: workplace.dir, bind, owner: context.owner });
    const secret = randomBytes(24).toString('hex');
    writeDaemonFiles(workplace, plan, secret);
    const state = await withProgressMark(layout, async () =>
      receive(config, { ...context, plan, layout, tools }, () =>
        // The server reads lines of at most 511 characters (10.11.19) and hands this one to the donor as it is.
        say({
          kind: 'ready',
          address: `${transferUser}:${secret}@${formatAddress(config.address)}/${dataModule}`,
        }),
      ),
    );
    emit({ kind: 'phase', phase: 'done' });
    workplace.close();
    // Last of all: the next transfer may begin with it.
    say({ kind: 'result', state });
  } finally {
    workplace.close();
  }
}

interface Reception extends TransferContext {
  readonly plan: JoinerPlan;
  readonly layout: Layout;
  readonly tools: Tools;
}

const noFiles: FileStamps = new Map();

interface Conversation extends Reception {
  readonly config: Config;
  readonly daemonLog: FollowedLog;
  /** The modules that donors have begun to write to. */
  readonly written: ReadonlySet<string>;
  readonly ownFiles: FileStamps;
  /** Since when donors could come, ms since 1970. */
  readonly startedMs: number;
  /** Resolves when the donor begins to read the verdict. */
  readonly verdictRead: Promise<void>;
}

/** From the open listener to the closed one; gives the state line. */
async function receive(config: Config, reception: Reception, sayReady: () => void): Promise<string> {
  const { plan, emit } = reception;
  const trouble = new AbortController();
  const signal = AbortSignal.any([reception.signal, trouble.signal]);
  const context = { ...reception, signal };
  const ownFiles = config.allowDonorWithoutSecret ? prepareForOriginal(reception.layout) : noFiles;
  const startedMs = reception.now().getTime();
  const donor = { isHere: false, come: (): void => undefined };
  const donorCame = new Promise<void>((resolve) => (donor.come = resolve));
  const listener = await startListener(config, plan, context, {
    onConnection: (from) => emit({ kind: 'notice', text: `connection from ${from}` }),
    onEnd: (error) => trouble.abort(error),
  });
  const written = new Set<string>();
  let verdictIsRead = (): void => undefined;
  const verdictRead = new Promise<void>((resolve) => (verdictIsRead = resolve));
  const daemonLog = followDaemonLog(plan.daemonLogFile, {
    emit,
    onDonor: (access, module) => {
      donor.isHere = true;
      donor.come();
      if (access === 'write') written.add(module);
      else if (module === messageModules.verdict) verdictIsRead();
    },
    onFailure: (error) => {
      // Once the right donor is here a stranger with a certificate cannot end its transfer.
      if (error.code === 'SECRET_MISSING' && donor.isHere) emit({ kind: 'notice', text: error.message });
      else trouble.abort(error);
    },
  });
  try {
    emit({ kind: 'phase', phase: 'waiting for donor' });
    sayReady();
    await withinInitialTimeout(config, donorCame, signal);
    return await converse(
      { ...context, config, written, daemonLog, ownFiles, startedMs, verdictRead },
      listener,
    );
  } catch (error) {
    if (donor.isHere) await tellDonor(plan, error, verdictRead, listener, reception.signal);
    throw error;
  } finally {
    daemonLog.stop();
    await listener.stop(2000);
  }
}

/** The donor's messages, one after the other. */
async function converse(context: Conversation, listener: SupervisedChild): Promise<string> {
  const { config, plan, layout, signal, emit } = context;
  const offer = joinPath(plan.inbox, messageFiles.offer);
  const final = joinPath(plan.inbox, messageFiles.final);
  const failure = joinPath(plan.inbox, messageFiles.failure);
  const original = joinPath(layout.roots.data, originalCompletionFile);
  const idle = { config, listener, signal };
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
  const offeredMs = context.now().getTime();
  const manifest =
    first === offer
      ? await receiveFiles(context, { offer, final, failure }, listener)
      : decodeManifest(readFileSync(final, 'utf8'), 'the manifest');
  const state = parseState(manifest.gtid ?? '', 'the manifest');
  if (manifest.pass === 'bypass') {
    await letDonorGo(listener, signal);
    emit({ kind: 'finished', bypass: true, bytes: 0, files: 0, seconds: 0 });
    return state;
  }
  await verify(context, manifest, offeredMs);
  await giveVerdict(context, listener);
  return state;
}

/** A donor that is cut off while it says good-bye counts its transfer as failed. */
async function letDonorGo(listener: SupervisedChild, signal: AbortSignal): Promise<void> {
  await within(5000, signal, (enough) => untilIdle(listener, enough)).catch(() => signal.throwIfAborted());
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

/** Takes what the donor offers; gives the manifest of what it has sent. */
async function receiveFiles(
  context: Conversation,
  { offer, final, failure }: { readonly offer: string; readonly final: string; readonly failure: string },
  listener: SupervisedChild,
): Promise<Manifest> {
  const { config, plan, signal, emit } = context;
  const offeredBytes = await answerOffer(context, offer);
  emit({ kind: 'phase', phase: 'copying' });
  const progress = followProgress(offeredBytes, countReceived(listener.pid ?? 0), context);
  try {
    const idle = { config, listener, signal };
    const next = await withinIdleTimeout(idle, waitForFile(plan.inbox, [failure, final], signal));
    if (next === failure) throw readDonorFailure(failure);
    const manifest = decodeManifest(readFileSync(final, 'utf8'), 'the manifest');
    progress.complete(sizeOf(manifest));
    return manifest;
  } finally {
    progress.stop();
  }
}

/** Makes room and directories for what the donor offers, and tells it where everything goes; gives the bytes to come. */
async function answerOffer(
  { plan, layout, tools, version, signal, emit }: Reception,
  offerFile: string,
): Promise<number> {
  const offer = decodeManifest(readFileSync(offerFile, 'utf8'), 'the offer');
  const bytes = sizeOf(offer);
  emit({ kind: 'notice', text: `the donor offers ${offer.files.length} files with ${bytes} bytes` });
  clearBinlogs(layout);
  await removeUnlisted(layout, offer, { signal });
  prepareDirectories(layout, offer);
  const told = encodeTold({ ok: true, value: { tool: version, rsync: tools.rsync, modules: plan.modules } });
  publish(plan.answer, messageFiles.answer, told);
  return bytes;
}

function sizeOf({ files }: Manifest): number {
  return files.reduce((sum, file) => sum + file.size, 0);
}

/** Nothing is assumed complete: what lies on disk is compared with what the donor says it sent. */
async function verify(
  { layout, signal, emit, now }: Reception,
  manifest: Manifest,
  offeredMs: number,
): Promise<void> {
  emit({ kind: 'phase', phase: 'verifying' });
  await removeUnlisted(layout, manifest, { signal });
  prepareDirectories(layout, manifest);
  const differences = await compareWithManifest(layout, manifest, { signal });
  if (differences.length > 0) throw new TransferError('COPY_INCOMPLETE', describeDifferences(differences));
  adoptBinlogs(layout, manifest.binlogs);
  emit({
    kind: 'finished',
    bypass: false,
    bytes: sizeOf(manifest),
    files: manifest.files.length,
    seconds: (now().getTime() - offeredMs) / 1000,
  });
}

/** Gives the donor the time to fetch the verdict; a donor that does not is no reason to throw a complete copy away. */
async function giveVerdict(
  { plan, verdictRead, signal }: Conversation,
  listener: SupervisedChild,
): Promise<void> {
  publish(plan.verdict, messageFiles.verdict, encodeTold({ ok: true, value: {} }));
  try {
    await within(5000, signal, async (enough) => {
      await Promise.race([verdictRead, untilAborted(enough)]);
      await untilIdle(listener, enough);
    });
  } catch {
    signal.throwIfAborted();
  }
  await listener.stop(0);
}

/** A donor that waits for an answer or a verdict learns why there will be none. */
async function tellDonor(
  plan: JoinerPlan,
  error: unknown,
  verdictRead: Promise<void>,
  listener: SupervisedChild,
  signal: AbortSignal,
): Promise<void> {
  if (!(error instanceof TransferError) || error.code === 'PEER_FAILED' || signal.aborted) return;
  const told = encodeTold({ ok: false, failure: tell(error) });
  try {
    publish(plan.answer, messageFiles.answer, told);
    publish(plan.verdict, messageFiles.verdict, told);
    await within(2000, signal, async (enough) => {
      await Promise.race([verdictRead, untilAborted(enough)]);
      await untilIdle(listener, enough);
    });
  } catch {
    // It was not listening, or there is no room for a message: its own limits end it. What counts is the first error.
  }
}

function publish(directory: string, name: string, text: string): void {
  const temporary = joinPath(directory, `.${name}`);
  writeFileSync(temporary, text, { mode: 0o600 });
  renameSync(temporary, joinPath(directory, name));
}

function readDonorFailure(file: string): TransferError {
  const told = readTold(file);
  return told.ok
    ? new TransferError('PEER_PROTOCOL', 'the donor sent a failure without a cause')
    : peerError('donor', told.failure);
}

/** Anybody can connect; only a donor with the transfer's secret ends the wait. */
async function withinInitialTimeout(
  { initialTimeoutMs, initialTimeoutBy }: Config,
  donor: Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  if (initialTimeoutMs === 0) return Promise.race([donor, untilAborted(signal)]);
  const enough = new AbortController();
  const late = delay(initialTimeoutMs, AbortSignal.any([signal, enough.signal])).then(() => {
    throw new TransferError('TIMED_OUT', `no donor came within ${initialTimeoutMs / 1000} s`, {
      option: 'sst-initial-timeout',
      where: initialTimeoutBy === undefined ? undefined : placeOf(initialTimeoutBy),
      hint: "the donor's log says why it did not come; check that its host reaches this port",
    });
  });
  try {
    await Promise.race([donor, late]);
  } finally {
    enough.abort(new Error('the donor is here'));
    late.catch(() => undefined);
  }
}

function writeDaemonFiles(workplace: Workplace, plan: JoinerPlan, secret: string): void {
  workplace.write('rsyncd.conf', plan.daemonConfig);
  workplace.write('rsyncd.secrets', `${transferUser}:${secret}\n`);
  workplace.write('rsyncd.log', '');
  for (const path of [plan.inbox, plan.answer, plan.verdict]) mkdirSync(path, { mode: 0o700 });
}

/** `sst_in_progress` is a public sign (Kubernetes operators and probes look at it): there before work starts, gone after. */
async function withProgressMark<T>(layout: Layout, work: () => Promise<T>): Promise<T> {
  const mark = joinPath(layout.roots.data, 'sst_in_progress');
  rmSync(joinPath(layout.roots.data, originalCompletionFile), { force: true });
  writeFileSync(mark, '', { mode: 0o660 });
  try {
    return await work();
  } finally {
    rmSync(mark, { force: true });
  }
}
