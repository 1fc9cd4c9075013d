import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { encodeManifest, type Manifest } from '../datadir/manifest.js';
import { TransferError } from '../errors.js';
import type { Command } from '../plan/command.js';
import { longestSilence, type TunnelClient } from '../plan/donor.js';
import { messageFiles } from '../plan/joiner.js';
import { planMessages } from '../plan/message-commands.js';
import { supervise } from '../processes/supervise.js';
import type { TransferContext } from './context.js';
import { encodeTold, encodeTotal, peerError, readAnswer, readTold, tell, type Answer } from './messages.js';
import { rsyncFailure } from './rsync-failure.js';
import { hasNoRoute } from './socat-failure.js';
import { longestStandstill, lookAtSign, whileItMoves } from './verification-signs.js';
import { delay } from './wait.js';
import type { Workplace } from './workplace.js';

/** Carries messages between donor and joiner, each through a tunnel of its own. */
export interface Courier {
  /** Offers what the donor has, and waits for the joiner's answer. */
  offer(manifest: Manifest): Promise<Answer>;
  /** Says what has been sent. */
  sendManifest(manifest: Manifest): Promise<void>;
  /**
   * The joiner's own reason where it gave one or is about to: a stream that ends because the joiner has failed often ends
   * before the joiner's word is here. Otherwise the error itself.
   */
  reasonBehind(thrown: unknown): Promise<unknown>;
  /** Whether the reason came from the joiner. */
  isFromJoiner(error: unknown): boolean;
  /**
   * Waits for the joiner's verdict as long as the joiner gets on; throws the joiner's own reason if it is a bad one.
   * @param told until then it is told what to compare with, which takes its time, and need not get on
   */
  fetchVerdict(told: Promise<void>): Promise<void>;
  sendFailure(error: TransferError): Promise<void>;
  /** Says how much will be sent in all; nothing waits for it, and nothing depends on it. */
  sendTotal(totalBytes: number): void;
  /** Lets the joiner see a sign of life. */
  sendSign(): Promise<void>;
  /** Sends so many bytes that mean nothing, to see how long that takes. */
  sendProbe(bytes: number): Promise<void>;
  /** How fast the offer has travelled, in bytes per second; 0 for one that is too short to tell. */
  offerBytesPerSecond(): number;
  /** How long the slowest message so far has taken, with its connection, in ms; probes do not count. */
  slowestMessageMs(): number;
}

/** A joiner that is still there can be asked again at once; one that is gone is given up after some two seconds. */
const askAgainMs = 300;
const mostFailures = 5;

/** A connection takes longer than a shorter message. */
const tellingBytes = 1024 * 1024;
/** What a message takes that says nothing, without any way between (rsync 3.5.0, socat 1.7.4.4). */
const quickestMs = 50;

/** For how long a message is sent anew where there is no way to the joiner's host: connections that stand survive that, too. */
const outOfReachMs = 7000;

/**
 * @param onFailure is told the joiner's reason as soon as it is known, from its answer on
 * @param usualSilenceMs how long a joiner that does not tell its progress may compare; 0 without limit
 */
export function courierTo(
  client: TunnelClient,
  workplace: Workplace,
  context: TransferContext,
  onFailure: (error: TransferError) => void,
  usualSilenceMs = 1000 * longestSilence(client.timeoutSeconds),
): Courier {
  const supervision = { transferId: context.id, emit: context.emit, signal: context.signal };
  const commands = planMessages(client, workplace.dir);
  let slowestMs = 0;
  let offerBytesPerSecond = 0;
  const send = async (command: Command, how = supervision): Promise<void> => {
    const begunMs = performance.now();
    for (;;) {
      const startedMs = performance.now();
      const child = supervise(command, how);
      const outcome = await child.ended;
      context.signal.throwIfAborted();
      if (outcome.kind === 'exited' && outcome.code === 0) {
        if (command !== commands.probe) slowestMs = Math.max(slowestMs, performance.now() - startedMs);
        return;
      }
      if (!hasNoRoute(child.lastWords()) || performance.now() - begunMs > outOfReachMs)
        throw rsyncFailure(child, outcome, client.sockopt);
      await delay(1000, how.signal);
    }
  };
  const fetch = async (command: Command, file: string): Promise<string> => {
    const child = supervise(command, supervision);
    const outcome = await child.ended;
    context.signal.throwIfAborted();
    const received = join(workplace.dir, file);
    // The joiner closes its tunnel as soon as it was heard: what counts is that the message is here.
    if (existsSync(received)) return received;
    throw rsyncFailure(child, outcome, client.sockopt);
  };
  let silenceMs = usualSilenceMs;
  let verdict: Promise<void> | undefined;
  let word: TransferError | undefined;
  const fetchVerdict = async (): Promise<void> => {
    const told = readTold(await fetch(commands.verdict, messageFiles.verdict));
    if (!told.ok) throw (word = peerError('joiner', told.failure));
  };
  const askUntilHeard = async (): Promise<void> => {
    for (let failures = 0; ; failures++) {
      const askedMs = performance.now();
      try {
        await fetchVerdict();
        return;
      } catch (error) {
        if (word !== undefined) onFailure(word);
        // A connection that broke while nothing was said yet is no verdict: it is asked for anew.
        if (performance.now() - askedMs > 5000) failures = 0;
        if (word !== undefined || failures >= mostFailures) throw error;
      }
      await delay(askAgainMs, context.signal);
    }
  };
  const begin = (): Promise<void> => {
    verdict ??= askUntilHeard();
    verdict.catch(() => undefined);
    return verdict;
  };
  const heard = (): TransferError | undefined => word;
  const fetchAnswer = async (): Promise<Answer> => {
    const told = readAnswer(await fetch(commands.answer, messageFiles.answer));
    if (!told.ok) throw (word = peerError('joiner', told.failure));
    return told.value;
  };
  return {
    offer: async (manifest) => {
      workplace.write(messageFiles.offer, encodeManifest(manifest));
      let isOffered = false;
      // Asked for at once: the joiner's daemon lets the question wait. One that broke before there was an offer is asked anew.
      const early = fetchAnswer().catch((error: unknown) => {
        if (isOffered || word !== undefined) throw error;
        return undefined;
      });
      early.catch(() => undefined);
      const sentMs = performance.now();
      await send(commands.offer);
      const { size } = statSync(join(workplace.dir, messageFiles.offer));
      const tookMs = Math.max(1, performance.now() - sentMs - quickestMs);
      if (size >= tellingBytes) offerBytesPerSecond = size / (tookMs / 1000);
      isOffered = true;
      const answer = (await early) ?? (await fetchAnswer());
      if (answer.tellsProgress) silenceMs = longestStandstill(client.timeoutSeconds);
      // From here on a joiner that fails says why at any time.
      void begin();
      return answer;
    },
    sendManifest: async (manifest) => {
      workplace.write(messageFiles.final, encodeManifest(manifest));
      await send(commands.final);
    },
    fetchVerdict: async (told) => {
      await Promise.race([begin(), told.catch(() => undefined)]);
      if (silenceMs === 0) return begin();
      const file = join(workplace.dir, messageFiles.verifying);
      const look = (): Promise<string | undefined> => lookAtSign(file, () => send(commands.verifying));
      await whileItMoves(begin(), { limitMs: silenceMs, look }, context.signal).catch((error: unknown) => {
        context.signal.throwIfAborted();
        if (word !== undefined || error instanceof TransferError) throw error;
        const text = `the joiner has not said for ${silenceMs / 1000} s whether the copy is complete`;
        throw new TransferError('TIMED_OUT', text, { cause: error });
      });
    },
    reasonBehind: async (thrown) => {
      // A joiner that has been silent for so long has nothing to say.
      const isSilent = thrown instanceof TransferError && thrown.code === 'TIMED_OUT';
      if (verdict !== undefined && word === undefined && !isSilent) {
        const soon = new Promise<void>((resolve) => setTimeout(resolve, 2000).unref());
        await Promise.race([verdict.catch(() => undefined), soon]);
      }
      return heard() ?? thrown;
    },
    isFromJoiner: (error) => error === word,
    sendFailure: async (error) => {
      workplace.write(messageFiles.failure, encodeTold({ ok: false, failure: tell(error) }));
      // A joiner that could not be reached a moment ago has perhaps lost one connection only.
      const isLost = error.code === 'TIMED_OUT' || error.code === 'PEER_UNREACHABLE';
      const signal = AbortSignal.timeout(isLost ? 1500 : 4000);
      await send(commands.failure, { ...supervision, signal });
    },
    sendSign: async () => {
      workplace.write(messageFiles.sign, '');
      await send(commands.sign);
    },
    sendTotal: (totalBytes) => {
      workplace.write(messageFiles.total, encodeTotal(totalBytes));
      send(commands.total).catch(() => undefined);
    },
    sendProbe: async (bytes) => {
      try {
        workplace.write(messageFiles.probe, noise(bytes));
        await send(commands.probe);
      } finally {
        // Also what there was room for.
        rmSync(join(workplace.dir, messageFiles.probe), { force: true });
      }
    },
    offerBytesPerSecond: () => offerBytesPerSecond,
    slowestMessageMs: () => slowestMs,
  };
}

/** Random, and so anew each time: of what the joiner has since the last probe rsync would send the differences only. */
function* noise(bytes: number): Generator<string> {
  for (let left = bytes; left > 0; left -= 65_536)
    yield randomBytes(49_152).toString('base64').slice(0, left);
}
