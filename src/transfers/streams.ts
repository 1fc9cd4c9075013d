import { join } from 'node:path';
import type { Config } from '../config/config.js';
import type { Files } from '../datadir/file-table.js';
import { isSparse, type InventoryFile } from '../datadir/inventory.js';
import type { Layout, Place } from '../datadir/layout.js';
import { splitIntoStreams } from '../datadir/streams.js';
import type { ChildOutcome, StreamProgress } from '../events.js';
import type { Command } from '../plan/command.js';
import {
  isSameWay,
  planJobs,
  sendFiles,
  type Job,
  type Sending,
  type TunnelClient,
  type Way,
} from '../plan/donor.js';
import { bytesRead } from '../processes/proc.js';
import { supervise, type SupervisedChild } from '../processes/supervise.js';
import type { TransferContext } from './context.js';
import { followProgress } from './progress.js';
import { rsyncFailure, unreadableFile } from './rsync-failure.js';
import type { Workplace } from './workplace.js';

/** What a pass sends and where to. */
export interface PassContents {
  /** Appears in the names of its streams and list files. */
  readonly name: string;
  readonly files: Files<InventoryFile>;
  /** Whether the joiner has something that resembles a file; default: of none. */
  readonly isSimilar?: (file: InventoryFile) => boolean;
  /** The joiner's rsync may be too old to keep holes. */
  readonly fillsHoles?: boolean;
  readonly layout: Layout;
  readonly modules: Readonly<Record<Place, string>>;
  /** See `Answer`. */
  readonly links?: ReadonlyMap<string, string> | undefined;
  readonly client: TunnelClient;
}

/** A pass among others. */
export interface Pass extends PassContents {
  /** What passes before this one have sent, for the count. */
  readonly sentBytes: number;
  /** What is known to be sent after this pass, for the total. */
  readonly laterBytes?: number;
  /** Told what all passes send, as far as is known when this one begins. */
  readonly onTotal?: ((totalBytes: number) => void) | undefined;
  /** While the server writes it is no error that files change, shrink and vanish. */
  readonly server: 'writing' | 'locked';
  /** The files are looked at once more afterwards: of those that are sent, some may vanish. Aria's checkpoints remove logs under the lock. */
  readonly looksAgain?: boolean | undefined;
  /** Connections for it that are there already. */
  readonly waiting?: WaitingStreams | undefined;
  /** Told, once or more often, when little time is left until its end; never of a pass that takes a second or two. */
  readonly onNearEnd?: (() => void) | undefined;
}

/** Sends the files over several rsync streams at once; the first failure ends all of them. Gives the bytes sent. */
export async function sendAll(
  pass: Pass,
  config: Pick<Config, 'streams'>,
  workplace: Workplace,
  context: TransferContext,
): Promise<number> {
  const streams = planStreams(pass, config.streams, workplace.dir).map((planned): Stream => ({
    ...planned,
    sentBytes: 0,
    running: undefined,
  }));
  const total = streams.reduce((sum, stream) => sum + stream.totalBytes, 0);
  const failed = new AbortController();
  const within = { ...context, signal: AbortSignal.any([context.signal, failed.signal]) };
  const { sentBytes: beforeBytes, laterBytes = 0 } = pass;
  const around = { beforeBytes, laterBytes };
  const startedMs = performance.now();
  const look = (): readonly StreamProgress[] => {
    const seen = streams.map(progressOf);
    if (isNearEnd(seen, performance.now() - startedMs)) pass.onNearEnd?.();
    return seen;
  };
  const progress = followProgress(() => total, look, context, around);
  pass.onTotal?.(beforeBytes + total + laterBytes);
  try {
    const results = await Promise.allSettled(
      streams.map(async (stream) => {
        try {
          await sendStream(stream, pass, workplace, within);
        } catch (error) {
          failed.abort(error);
          throw error;
        }
      }),
    );
    context.signal.throwIfAborted();
    if (failed.signal.aborted) throw failed.signal.reason;
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    progress.complete(total);
    return total;
  } finally {
    progress.stop();
  }
}

/** What counts as near a pass's end. */
const nearMs = 1500;

/** Whether a pass that goes on as it has so far ends soon. */
export function isNearEnd(streams: readonly StreamProgress[], passedMs: number): boolean {
  let doneBytes = 0;
  let leftBytes = 0;
  for (const stream of streams) {
    doneBytes += stream.doneBytes;
    leftBytes += (stream.totalBytes ?? 0) - stream.doneBytes;
  }
  return leftBytes * passedMs <= nearMs * doneBytes;
}

/**
 * What is compared under the lock counts so much for each byte, in the total and in what is done: both sides read it, and little is sent.
 */
export const comparedShare = 0.1;

/** One rsync client of a stream. */
export interface Copy {
  readonly job: Job;
  /** Of its bytes, for the count. */
  readonly share: number;
  /** The file with the names of what it sends, in the private directory. */
  readonly list: string;
  readonly command: Command;
}

/** What one stream runs, one after the other. */
export interface PlannedStream {
  readonly name: string;
  readonly copies: readonly Copy[];
  readonly totalBytes: number;
}

/** Decides what the streams of a pass run; pure. */
export function planStreams(
  pass: Omit<Pass, 'sentBytes' | 'laterBytes' | 'onTotal'>,
  streams: number,
  workDir: string,
): PlannedStream[] {
  const { layout, modules, links } = pass;
  const client = { ...pass.client, mayVanish: pass.server === 'writing' };
  const howToSend = sendingOf(pass);
  return splitIntoStreams(pass.files, streams).map((files, index) => {
    const name = `${pass.name} stream ${index + 1}`;
    const jobs = planJobs(files, howToSend, layout, modules, links);
    const copies = jobs.map((job, step): Copy => {
      const title = `${name}${step === 0 ? '' : `.${step + 1}`}`;
      const list = `${title.replaceAll(' ', '-')}.list`;
      const share = pass.server === 'locked' && job.manner.kind === 'differences' ? comparedShare : 1;
      return { job, share, list, command: sendFiles(job, join(workDir, list), title, client) };
    });
    return {
      name,
      copies,
      totalBytes: copies.reduce((sum, { job, share }) => sum + Math.round(share * job.bytes), 0),
    };
  });
}

/** rsync clients that have connected and wait for the names of their files. */
export interface WaitingStreams {
  /** One that can do this job, if there is one; it is given away. */
  take(job: Job): SupervisedChild | undefined;
  /** When they began to connect, on the monotonic clock. */
  readonly openedMs: number;
  /** Whether they are there for certain, see `isFresh`. */
  areFresh(): boolean;
  /** Ends those that nobody took. */
  close(): void;
}

/** What the streams of the locked pass begin with if it sends these files. */
export function waysOf(contents: PassContents, streams: number): readonly Way[] {
  return planStreams({ ...contents, server: 'locked' }, streams, '').flatMap(({ copies: [first] }) => {
    if (first === undefined) return [];
    const { module, root, manner } = first.job;
    return [{ module, root, manner }];
  });
}

/**
 * Connects the streams of a pass under the lock. Until a connection stands there is a process to start, a handshake and a login, some
 * 0.15 s that need not be spent under the lock. A connection that does not last until then is no loss: another one is made.
 */
export function openStreams(
  ways: readonly Way[],
  pass: string,
  client: TunnelClient,
  context: TransferContext,
): WaitingStreams {
  const openedMs = performance.now();
  const waiting = new Map<SupervisedChild, Way>();
  for (const [index, way] of ways.entries()) {
    const command = sendFiles(way, undefined, `${pass} stream ${index + 1}`, client);
    const child = superviseStream(command, 'vanishing', context);
    waiting.set(child, way);
    void child.ended.then(() => waiting.delete(child));
  }
  const areFresh = (): boolean => isFresh(performance.now() - openedMs, client.timeoutSeconds);
  return {
    openedMs,
    areFresh,
    take: (job) => {
      if (!areFresh()) return undefined;
      for (const [child, way] of waiting) {
        if (!isSameWay(way, job)) continue;
        waiting.delete(child);
        return child;
      }
      return undefined;
    },
    close: () => {
      for (const child of waiting.keys()) child.feed([]);
    },
  };
}

/**
 * Whether a connection on which nothing has been sent for so long is there for certain: at its time limit the joiner's side ends it, which a
 * client that waits for names does not notice.
 */
export function isFresh(silentMs: number, timeoutSeconds: number): boolean {
  return timeoutSeconds === 0 || silentMs < 500 * timeoutSeconds;
}

/** How far a stream is. */
interface Stream extends PlannedStream {
  /** Of jobs that have ended. */
  sentBytes: number;
  running: (Pick<Copy, 'job' | 'share'> & { readonly pid: number | undefined }) | undefined;
}

function sendingOf({
  isSimilar,
  fillsHoles = false,
}: Pick<Pass, 'isSimilar' | 'fillsHoles'>): (file: InventoryFile) => Sending {
  return (file) => ({ sparse: !fillsHoles && isSparse(file), similar: isSimilar?.(file) === true });
}

/**
 * What a sending rsync has read is the contents of files and less than a thousandth more (3.5.0). Its own
 * `--info=progress2` would write a line for every file.
 */
function progressOf({ name, totalBytes, sentBytes, running }: Stream): StreamProgress {
  if (running?.pid === undefined) return { name, totalBytes, doneBytes: sentBytes };
  const { job, share, pid } = running;
  const doneBytes = sentBytes + Math.round(share * Math.min(job.bytes, bytesRead(pid) ?? 0));
  return { name, totalBytes, doneBytes, pid };
}

async function sendStream(
  stream: Stream,
  pass: Pass,
  workplace: Workplace,
  context: TransferContext,
): Promise<void> {
  const { client, waiting } = pass;
  const tolerated = toleratedIn(pass);
  for (const { job, share, list, command } of stream.copies) {
    let child = waiting?.take(job);
    if (child === undefined) {
      workplace.write(list, fileList(job));
      child = superviseStream(command, tolerated, context);
    } else {
      const taken = child;
      // It was started before the pass, and does not end with it by itself.
      context.signal.addEventListener('abort', () => void taken.stop(0), { once: true });
      taken.feed(fileList(job));
    }
    stream.running = { job, share, pid: child.pid };
    const outcome = await child.ended;
    stream.running = undefined;
    context.signal.throwIfAborted();
    if (!isFine(child, outcome, tolerated)) throw rsyncFailure(child, outcome, client.sockopt);
    stream.sentBytes += Math.round(share * job.bytes);
  }
}

/** What may happen to files while they are sent. */
type Tolerated = 'changing' | 'vanishing' | 'nothing';

function toleratedIn({ server, looksAgain = false }: Pick<Pass, 'server' | 'looksAgain'>): Tolerated {
  if (server === 'writing') return 'changing';
  return looksAgain ? 'vanishing' : 'nothing';
}

/**
 * What rsync says of files that change while it sends them (3.5.0). None of them is lost for that: what changed has new times, and
 * what vanished is not asked for under the lock. A directory that is gone was a schema that is a link at the joiner.
 */
const meanwhile: Readonly<Record<Tolerated, RegExp | undefined>> = {
  changing:
    /^file has vanished: |: No data available \(61\)$|\[sender\] (?:link_stat|change_dir) .*: No such file or directory \(2\)$|^rsync (?:warning|error): some files.* \(code 2[34]\)/,
  vanishing:
    /^file has vanished: |\[sender\] link_stat .*: No such file or directory \(2\)$|^rsync (?:warning|error): some files.* \(code 2[34]\)/,
  nothing: undefined,
};

/** Starts a stream's rsync, which is told to end as soon as a file cannot be read. */
export function superviseStream(
  command: Command,
  tolerated: Tolerated,
  { id: transferId, emit, signal, rate }: Pick<TransferContext, 'id' | 'emit' | 'signal' | 'rate'>,
): SupervisedChild {
  const routine = meanwhile[tolerated];
  const child = supervise(
    command,
    { transferId, emit, signal, rate },
    {
      onStderr: (line) => {
        if (routine?.test(line) === true) return true;
        if (unreadableFile.test(line)) void child.stop(1000);
        return false;
      },
    },
  );
  return child;
}

function isFine(child: SupervisedChild, outcome: ChildOutcome, tolerated: Tolerated): boolean {
  if (outcome.kind !== 'exited') return false;
  if (outcome.code === 0) return true;
  return tolerated !== 'nothing' && [23, 24].includes(outcome.code) && child.lastWords().length === 0;
}

/** rsync reads names up to NUL bytes; a leading `./` keeps one that begins with `#` or `;` from being a comment. */
function* fileList({ files }: Job): Generator<string> {
  const perChunk = 1000;
  let names: string[] = [];
  for (const path of files) {
    if (names.push(`./${path}\0`) < perChunk) continue;
    yield names.join('');
    names = [];
  }
  if (names.length > 0) yield names.join('');
}
