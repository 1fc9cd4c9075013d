import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from '../config/config.js';
import { placeOf } from '../config/source.js';
import { prepareDirectories } from '../datadir/removal.js';
import { asTransferError, TransferError } from '../errors.js';
import { messageModules, placeModules } from '../plan/modules.js';
import { membersOf } from '../processes/group.js';
import { Arrivals } from './arrivals.js';
import { donorConnections, judgeBroken } from './broken-connections.js';
import { closingAfterwards, type CloseLater } from './closing.js';
import { followConnectionEnds } from './connection-ends.js';
import { converse } from './converse.js';
import { followDaemonLog } from './daemon-log.js';
import { daemonsAmong } from './idle.js';
import { startListener } from './listener.js';
import { stampOwnFiles, type FileStamps } from './original-donor.js';
import { watchForLostDonor } from './lost-donor.js';
import { openOutbox, type Outbox } from './outbox.js';
import type { SupervisedChild } from '../processes/supervise.js';
import type { Reception } from './reception.js';
import { tellDonor } from './verdict.js';
import { signInterval } from './signs-of-life.js';
import { delay, untilAborted } from './wait.js';
import { whoCame } from './who-came.js';
import { refusedWithoutSecret, type Refused } from './without-secret.js';

const noFiles: FileStamps = new Map();

/** What a donor had open breaks within that time after its end. (Nothing of a transfer whose script or agent was killed is to stay longer than a second.) */
const breaksWithinMs = 500;

const hasServerEnded = (thrown: unknown): boolean =>
  thrown instanceof TransferError && thrown.code === 'PARENT_GONE';

/** From the open listener to the closed one; gives the state line. */
export async function receive(config: Config, reception: Reception, sayReady: () => void): Promise<string> {
  return closingAfterwards((closeLater) => receiveWithin(config, reception, sayReady, closeLater));
}

async function receiveWithin(
  config: Config,
  reception: Reception,
  sayReady: () => void,
  closeLater: CloseLater,
): Promise<string> {
  const { plan, emit } = reception;
  const trouble = new AbortController();
  const signal = AbortSignal.any([reception.signal, trouble.signal]);
  const context = { ...reception, signal };
  const ownFiles = config.allowDonorWithoutSecret ? stampOwnFiles(reception.layout) : noFiles;
  const startedMs = reception.now().getTime();
  const donor = { isHere: false, isKnown: false, come: (): void => undefined };
  const donorCame = new Promise<void>((resolve) => (donor.come = resolve));
  const outbox = await openOutbox(plan);
  closeLater(() => outbox.close());
  closeLater(() => reception.partial.leave());
  const ends = followConnectionEnds();
  const donorProcesses = new Set<number>();
  const arrivals = new Arrivals();
  let readDaemonLog = (): void => undefined;
  const listener = await startLastingListener(config, context, {
    onLine: (line) => ends.hear(line),
    onConnection: (from) => emit({ kind: 'notice', text: `connection from ${from}` }),
    isLetIn: (pid) => {
      readDaemonLog();
      return donorProcesses.has(pid);
    },
    onEnd: (error) => trouble.abort(error),
  });
  closeLater(() => listener.stop(2000));
  const written = new Set<string>();
  const refused = refusedWithoutSecret(config, {
    emit,
    isDonorHere: () => donor.isHere,
    giveUp: (reason) => trouble.abort(reason),
  });
  closeLater(() => refused.stop());
  const fail = (error: TransferError): void => trouble.abort(error);
  const connections = donorConnections(ends, listener.pid);
  const lost = watchForLostDonor(fail, {
    isConnected: () => connections.isAnyOpen(),
    readers: () => (listener.pid === undefined ? [] : daemonsAmong(membersOf(listener.pid), donorProcesses)),
    // The donor's own limit can only make it more often.
    everyMs: signInterval([config.idleTimeoutMs]),
  });
  closeLater(() => lost.stop());
  const broken = judgeBroken(ends, connections, lost, fail);
  const port = { isOpen: true };
  void listener.ended.then(() => (port.isOpen = false));
  let verdictIsRead = (): void => undefined;
  const untilVerdictIsRead = (): Promise<void> => new Promise((resolve) => (verdictIsRead = resolve));
  const verdictRead = untilVerdictIsRead();
  // A donor with the original script says nothing before it writes: the daemon's log is the first to tell.
  const writableWithoutSecret = new Set(
    config.allowDonorWithoutSecret ? [placeModules.data, placeModules['innodb-log']] : [],
  );
  const markForeignCopy = (): void => {
    try {
      reception.partial.beginWithoutOffer();
    } catch (thrown) {
      trouble.abort(asTransferError(thrown));
    }
  };
  const daemonLog = followDaemonLog(plan.daemonLogFile, {
    emit,
    onDonor: (access, module, pid) => {
      donor.isHere = true;
      donorProcesses.add(pid);
      connections.opened(pid);
      lost.came();
      const peer = donor.isKnown ? undefined : whoCame(pid);
      donor.isKnown ||= peer !== undefined;
      if (peer !== undefined) emit({ kind: 'donor', peer });
      donor.come();
      if (access === 'write') {
        written.add(module);
        if (module !== messageModules.inbox) arrivals.began(pid);
        if (writableWithoutSecret.has(module)) markForeignCopy();
      } else if (module === messageModules.verdict) verdictIsRead();
    },
    onDelivered: (pid, bytes) => arrivals.delivered(pid, bytes),
    onFailure: (error) => {
      if (error.code === 'SECRET_MISSING') refused.note(error);
      else trouble.abort(error);
    },
    onBroken: (text, pid, isForked) => {
      if (isForked || donorProcesses.has(pid)) broken.broke(text, pid, isForked);
    },
  });
  readDaemonLog = () => daemonLog.catchUp();
  closeLater(() => daemonLog.stop());
  try {
    emit({ kind: 'phase', phase: 'waiting for donor' });
    sayReady();
    // Its donor knows no offer, before which others are given their directories.
    if (config.allowDonorWithoutSecret) prepareDirectories(reception.layout, { directories: [] });
    await withinInitialTimeout(config, donorCame, refused, signal);
    return await converse(
      {
        ...context,
        ...{ config, written, daemonLog, arrivals, donorProcesses, ownFiles, outbox, startedMs, verdictRead },
      },
      listener,
    );
  } catch (thrown) {
    const catchUp = async (): Promise<void> => {
      daemonLog.catchUp();
      await broken.settled();
    };
    await catchUp();
    // Galera ends this node's server when the donor's has reported its script's end, which may be seen here before the connections break.
    const startMs = performance.now();
    const isExplained = (): boolean => !hasServerEnded(thrown) || lost.reasonBehind(thrown) !== thrown;
    while (donor.isHere && !isExplained() && performance.now() - startMs < breaksWithinMs) {
      await pause(50);
      await catchUp();
    }
    const error = refused.reasonBehind(lost.reasonBehind(thrown));
    if (donor.isHere && !port.isOpen) await tellAnew(config, context, outbox, error, untilVerdictIsRead());
    else if (donor.isHere) await tellDonor({ plan, outbox }, error, verdictRead, listener);
    throw error;
  }
}

/** Once it listens it outlives the transfer's signal: a donor has to be told why the transfer ends. */
async function startLastingListener(
  config: Config,
  context: Reception,
  hooks: Parameters<typeof startListener>[3],
): Promise<SupervisedChild> {
  const { signal } = context;
  const starting = new AbortController();
  const giveUp = (): void => starting.abort(signal.reason);
  if (signal.aborted) giveUp();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await startListener(config, context.plan, { ...context, signal: starting.signal }, hooks);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** The listener was killed: the donor asks why its connections broke, and hears it from another one. */
async function tellAnew(
  config: Config,
  context: Reception,
  outbox: Outbox,
  error: unknown,
  asked: Promise<void>,
): Promise<void> {
  const over = new AbortController();
  const { plan } = context;
  try {
    const hooks = { onConnection: () => undefined, onEnd: () => undefined, isLetIn: () => true };
    const listener = await startListener(config, plan, { ...context, signal: over.signal }, hooks);
    await tellDonor({ plan, outbox }, error, asked, listener);
    await listener.stop(2000);
  } catch {
    // The port was taken meanwhile, or socat cannot be started any more: what counts is the first error.
  } finally {
    over.abort(new Error('the donor has been told'));
  }
}

/** Anybody can connect; only a donor with the transfer's secret ends the wait. */
async function withinInitialTimeout(
  { initialTimeoutMs, initialTimeoutBy }: Config,
  donor: Promise<void>,
  refused: Refused,
  signal: AbortSignal,
): Promise<void> {
  if (initialTimeoutMs === 0) return Promise.race([donor, untilAborted(signal)]);
  const enough = new AbortController();
  const late = delay(initialTimeoutMs, AbortSignal.any([signal, enough.signal])).then(() => {
    const message = `no donor came within ${initialTimeoutMs / 1000} s`;
    if (refused.reason !== undefined) {
      throw new TransferError('SECRET_MISSING', `${message}, but ${refused.reason.message}`);
    }
    throw new TransferError('TIMED_OUT', message, {
      option: 'sst-initial-timeout',
      where: initialTimeoutBy === undefined ? undefined : placeOf(initialTimeoutBy),
      hint: "the donor's log (journalctl -u mariadb, over there) says why it did not come; check that its host reaches this port",
    });
  });
  try {
    await Promise.race([donor, late]);
  } finally {
    enough.abort(new Error('the donor is here'));
    late.catch(() => undefined);
  }
}
