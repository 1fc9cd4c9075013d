import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import type { AbortRequest, ThrottleRequest, TransferRequest } from '../control/messages.js';
import { Refusal } from '../control/refusal.js';
import type { TransferOutput } from '../control/routes.js';
import { TransferError } from '../errors.js';
import type { EmitEvent, TransferEvent } from '../events.js';
import { withFiles } from '../observe/files-in-progress.js';
import type { History } from '../observe/history.js';
import { record, recordOf, type Recording, type TransferRecord } from '../observe/recorder.js';
import { createServerLog } from '../observe/server-log.js';
import { reduceTransfer, statusOf, type TransferStatus } from '../observe/status.js';
import { createRateLimit, lowestRate, type RateLimit } from '../processes/rate-limit.js';
import { runScript } from '../sst-script/run.js';
import { watchServerProcesses } from '../sst-script/server-processes.js';
import { asRequested } from './requested.js';

/** Takes every event of every transfer, with what the transfer's status was after it; must not throw. */
export type TransferSink = (status: TransferStatus, event: TransferEvent) => void;

/** A transfer that the agent has taken on. */
interface Running {
  readonly id: string;
  readonly ending: AbortController;
  readonly rate: RateLimit;
  readonly emit: EmitEvent;
  /** What counts its bytes anew, and when that was done last. */
  readonly counters: Set<() => void>;
  countedMs: number;
  recording: Recording;
  ended: Promise<void>;
}

export interface TransfersOptions {
  readonly version: string;
  readonly sinks: readonly TransferSink[];
  /** Gets each transfer when it has ended. */
  readonly history: History;
  /** Told of a request whose transfer has passed its own checks, and of each transfer that has ended. */
  readonly onPassed: (request: TransferRequest) => void;
  readonly onEnd: (status: TransferStatus) => void;
  /** Told of defects and of a history that cannot be written. */
  readonly onBug: (error: unknown) => void;
  readonly now: () => Date;
}

/** As many servers as are remembered. */
const mostLast = 64;

/** The transfers of all data directories; one data directory has one at a time, its claim file says so. */
export class Transfers {
  private readonly running = new Map<string, Running>();
  /** By data directory, the latest last. */
  private readonly last = new Map<string, TransferStatus>();

  constructor(private readonly options: TransfersOptions) {}

  /** Those that run, and for each other data directory the last one since the agent started. */
  current(): TransferStatus[] {
    const running = this.listRunning().map(withFiles);
    const busy = new Set(running.map(({ dataDir }) => dataDir));
    return [...running, ...[...this.last.values()].filter(({ dataDir }) => !busy.has(dataDir))];
  }

  /** All that are known, newest first. */
  list(): TransferStatus[] {
    return [...this.listRunning().reverse(), ...this.options.history.list()];
  }

  /** Those that run, without the files that their streams are at. */
  listRunning(): TransferStatus[] {
    return [...this.running.values()].map((transfer) => this.statusOf(transfer));
  }

  get runningCount(): number {
    return this.running.size;
  }

  /** By the id or its unambiguous beginning; throws Refusal NOT_FOUND. */
  get(id: string): TransferRecord {
    const running = this.find(id);
    if (running !== undefined) return recordOf(running.recording, this.nowMs());
    const past = this.options.history.find(id);
    if (past === undefined) throw new Refusal('NOT_FOUND', `there is no transfer ${id}, or several`);
    return past;
  }

  /**
   * Starts the transfer; its lines go to `output` until it has ended or the reader is gone, which ends it. Throws Refusal
   * MALFORMED.
   */
  begin(request: TransferRequest, output: TransferOutput): void {
    const { version, now } = this.options;
    const directory = request.directory ?? '/';
    const id = randomUUID();
    const recording = this.beginRecording(asRequested(id, version, request.argv, directory));
    const ending = new AbortController();
    output.write({ accepted: { id, version } }, false);
    const scriptGone = (): void =>
      ending.abort(new TransferError('PARENT_GONE', 'the script that asked for this transfer has ended'));
    if (output.readerGone.aborted) scriptGone();
    else output.readerGone.addEventListener('abort', scriptGone, { once: true });
    // The server's error log reads the same with and without an agent.
    const serverLog = createServerLog((line) => output.write({ log: line }, isInfo(line)), now);
    const rate = createRateLimit();
    let hasPassed = false;
    const emit: EmitEvent = (event) => {
      const atMs = this.nowMs();
      transfer.recording = record(transfer.recording, event, atMs) ?? transfer.recording;
      if (event.kind === 'progress') transfer.countedMs = atMs;
      if (event.kind === 'phase') {
        this.try(() => this.options.history.note(recordOf(transfer.recording, atMs)));
        if (event.phase !== 'checking' && !hasPassed) this.try(() => this.options.onPassed(request));
        hasPassed ||= event.phase !== 'checking';
      }
      const status = statusOf(transfer.recording.state, atMs);
      serverLog(event);
      for (const sink of this.options.sinks) sink(status, event);
    };
    const counters = new Set<() => void>();
    const transfer: Running = {
      ...{ id, ending, rate, emit, counters, countedMs: 0, recording },
      ended: Promise.resolve(),
    };
    this.running.set(id, transfer);
    transfer.ended = runScript({
      id,
      argv: request.argv,
      env: request.env,
      directory,
      remoteSecret: request.remoteSecret,
      serverPid: request.serverPid,
      ownedBy: 'agent',
      watchServer: (parentPid, onGone) => watchServerProcesses([parentPid, request.serverPid], onGone),
      writeLine: (line) => output.write({ line }, false),
      emit,
      rate,
      whenAsked: (count) => {
        counters.add(count);
        return () => counters.delete(count);
      },
      signal: ending.signal,
      version,
    }).then((exitStatus) => {
      output.readerGone.removeEventListener('abort', scriptGone);
      const { status } = this.keep(transfer);
      output.write({ exit: exitStatus }, false);
      output.end();
      this.options.onEnd(status);
    });
  }

  /** Ends a running transfer; throws Refusal NOT_FOUND, NOT_RUNNING. */
  abort(id: string, request: AbortRequest): TransferStatus {
    const transfer = this.runningOne(id);
    const status = this.statusOf(transfer);
    const reason = request.reason ?? 'aborted by an administrator';
    transfer.ending.abort(new TransferError(request.code ?? 'INTERRUPTED', reason));
    return status;
  }

  /** Changes the rate of a running transfer; throws Refusal NOT_FOUND, NOT_RUNNING, MALFORMED. */
  throttle(id: string, { bytesPerSecond }: ThrottleRequest): TransferStatus {
    const transfer = this.runningOne(id);
    const { rate, emit } = transfer;
    if (bytesPerSecond > 0 && bytesPerSecond < lowestRate) {
      throw new Refusal('MALFORMED', `/bytesPerSecond: expected 0 or at least ${lowestRate}`);
    }
    rate.set(bytesPerSecond);
    const shown = bytesPerSecond === 0 ? 'lifted' : `now ${bytesPerSecond} bytes/s`;
    emit({ kind: 'notice', text: `an administrator has changed the rate limit: ${shown}` });
    return this.statusOf(transfer);
  }

  /** Waits until all that run now have ended. */
  async allEnded(): Promise<void> {
    await Promise.all([...this.running.values()].map(({ ended }) => ended));
  }

  /** Ends all of them and waits until they have cleaned up. */
  async endAll(reason: TransferError): Promise<void> {
    for (const { ending } of this.running.values()) ending.abort(reason);
    await this.allEnded();
  }

  private beginRecording(requested: TransferEvent & { readonly kind: 'started' }): Recording {
    const state = reduceTransfer(undefined, requested, this.nowMs());
    if (state === undefined) throw new Error('a transfer has no state after its start');
    return { state, commands: [], head: [], tail: [], leftOut: 0 };
  }

  private keep(transfer: Running): TransferRecord {
    const ended = recordOf(transfer.recording, this.nowMs());
    this.running.delete(transfer.id);
    this.keepLast(ended.status);
    this.try(() => this.options.history.save(ended));
    return ended;
  }

  /** Who asks for transfers of data directories that are none must not fill the memory: the history has them, for a while. */
  private keepLast(status: TransferStatus): void {
    const { dataDir } = status;
    if (dataDir !== '' && !isDirectory(dataDir)) return;
    this.last.delete(dataDir);
    this.last.set(dataDir, status);
    const [oldest] = this.last.keys();
    if (this.last.size > mostLast && oldest !== undefined) this.last.delete(oldest);
  }

  /** A history that cannot be written is no reason to end a transfer. */
  private try(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.options.onBug(error);
    }
  }

  private runningOne(id: string): Running {
    const found = this.find(id);
    if (found !== undefined) return found;
    throw new Refusal('NOT_RUNNING', `transfer ${this.get(id).status.id} has ended`);
  }

  private find(id: string): Running | undefined {
    const exact = this.running.get(id);
    if (exact !== undefined) return exact;
    const found = [...this.running.values()].filter((transfer) => transfer.id.startsWith(id));
    return found.length === 1 ? found[0] : undefined;
  }

  private statusOf(transfer: Running): TransferStatus {
    const nowMs = this.nowMs();
    // Who asks often gets what was counted just now: counting costs some reads of /proc a stream.
    if (nowMs - transfer.countedMs >= 100) {
      for (const count of transfer.counters) count();
    }
    return statusOf(transfer.recording.state, nowMs);
  }

  private nowMs(): number {
    return this.options.now().getTime();
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** What a slow reader can miss. */
function isInfo(line: string): boolean {
  return line.startsWith('WSREP_SST: [INFO]');
}
