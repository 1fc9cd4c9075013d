import { randomUUID } from 'node:crypto';
import type { AbortRequest, ThrottleRequest, TransferRequest } from '../control/messages.js';
import { Refusal } from '../control/refusal.js';
import type { TransferOutput } from '../control/routes.js';
import { TransferError } from '../errors.js';
import type { EmitEvent, TransferEvent } from '../events.js';
import { createServerLog } from '../observe/server-log.js';
import { createRateLimit, lowestRate, type RateLimit } from '../processes/rate-limit.js';
import { runScript } from '../sst-script/run.js';
import { watchServerProcesses } from '../sst-script/server-processes.js';

/** What happens to every event of a transfer: one sink for each who wants to know (log, metrics, history). */
export type OpenSink = (transfer: { readonly id: string; readonly startedMs: number }) => EmitEvent;

/** Keeps a status up to date, event by event; pure. */
export type ReduceStatus<S extends object> = (
  status: S | undefined,
  event: TransferEvent,
  nowMs: number,
) => S;

/** A transfer that the agent has taken on. */
interface Running {
  readonly id: string;
  readonly ending: AbortController;
  readonly rate: RateLimit;
  readonly emit: EmitEvent;
  readonly role: 'joiner' | 'donor';
  readonly ended: Promise<void>;
}

/** A transfer as the API shows it. */
export interface ShownTransfer<S> {
  readonly id: string;
  readonly state: 'running' | 'ending' | 'ended';
  readonly startedAt: string;
  readonly endedAt?: string | undefined;
  readonly exitStatus?: number | undefined;
  /** Missing until the first event. */
  readonly status?: S | undefined;
}

export interface TransfersOptions<S extends object> {
  readonly version: string;
  readonly reduceStatus: ReduceStatus<S>;
  readonly sinks: readonly OpenSink[];
  /** How many ended transfers are still shown. */
  readonly kept: number;
  readonly now: () => Date;
}

/** The transfers of all data directories; one data directory has one at a time, its claim file says so. */
export class Transfers<S extends object> {
  private readonly running = new Map<string, Running>();
  private readonly shown = new Map<string, ShownTransfer<S>>();

  constructor(private readonly options: TransfersOptions<S>) {}

  list(): readonly ShownTransfer<S>[] {
    return [...this.shown.values()];
  }

  get runningCount(): number {
    return this.running.size;
  }

  /** Throws Refusal NOT_FOUND. */
  get(id: string): ShownTransfer<S> {
    const found = this.shown.get(id);
    if (found === undefined) throw new Refusal('NOT_FOUND', `there is no transfer ${id}`);
    return found;
  }

  /** Starts the transfer; its lines go to `output` until it has ended or the reader is gone, which ends it. */
  begin(request: TransferRequest, output: TransferOutput): void {
    const { version, now } = this.options;
    const id = randomUUID();
    const ending = new AbortController();
    const started = now();
    this.show({ id, state: 'running', startedAt: started.toISOString() });
    output.write({ accepted: { id, version } }, false);
    const scriptGone = (): void =>
      ending.abort(new TransferError('PARENT_GONE', 'the script that asked for this transfer has ended'));
    if (output.readerGone.aborted) scriptGone();
    else output.readerGone.addEventListener('abort', scriptGone, { once: true });
    ending.signal.addEventListener('abort', () => this.show({ ...this.get(id), state: 'ending' }), {
      once: true,
    });
    const sinks = [
      this.statusSink(id),
      // The server's error log reads the same with and without an agent.
      createServerLog((line) => output.write({ log: line }, isInfo(line)), now),
      ...this.options.sinks.map((open) => open({ id, startedMs: started.getTime() })),
    ];
    const emit: EmitEvent = (event) => {
      for (const sink of sinks) sink(event);
    };
    const rate = createRateLimit();
    const role = request.argv[request.argv.indexOf('--role') + 1] === 'donor' ? 'donor' : 'joiner';
    const ended = runScript({
      id,
      argv: request.argv,
      env: request.env,
      remoteSecret: request.remoteSecret,
      watchServer: (parentPid, onGone) => watchServerProcesses([parentPid, request.serverPid], onGone),
      writeLine: (line) => output.write({ line }, false),
      emit,
      rate,
      signal: ending.signal,
      version,
    }).then((exitStatus) => {
      output.readerGone.removeEventListener('abort', scriptGone);
      this.running.delete(id);
      this.show({ ...this.get(id), state: 'ended', endedAt: now().toISOString(), exitStatus });
      this.forgetOldest();
      output.write({ exit: exitStatus }, false);
      output.end();
    });
    this.running.set(id, { id, ending, rate, emit, role, ended });
  }

  /** Ends a running transfer; throws Refusal NOT_FOUND, NOT_RUNNING. */
  abort(id: string, request: AbortRequest): ShownTransfer<S> {
    const { ending } = this.runningOne(id);
    const reason = request.reason ?? 'aborted by an administrator';
    ending.abort(new TransferError(request.code ?? 'INTERRUPTED', reason));
    return this.get(id);
  }

  /** Changes the rate of a running donor; throws Refusal NOT_FOUND, NOT_RUNNING, NOT_POSSIBLE. */
  throttle(id: string, { bytesPerSecond }: ThrottleRequest): ShownTransfer<S> {
    const { rate, emit, role } = this.runningOne(id);
    if (role === 'joiner') {
      throw new Refusal('NOT_POSSIBLE', 'a joiner takes what its donor sends: the rate is limited there');
    }
    if (bytesPerSecond > 0 && bytesPerSecond < lowestRate) {
      throw new Refusal('MALFORMED', `/bytesPerSecond: expected 0 or at least ${lowestRate}`);
    }
    rate.set(bytesPerSecond);
    const shown = bytesPerSecond === 0 ? 'lifted' : `now ${bytesPerSecond} bytes/s`;
    emit({ kind: 'notice', text: `an administrator has changed the rate limit: ${shown}` });
    return this.get(id);
  }

  /** Ends all of them and waits until they have cleaned up. */
  async endAll(reason: TransferError): Promise<void> {
    const all = [...this.running.values()];
    for (const { ending } of all) ending.abort(reason);
    await Promise.all(all.map(({ ended }) => ended));
  }

  private runningOne(id: string): Running {
    const found = this.running.get(id);
    if (found !== undefined) return found;
    throw new Refusal('NOT_RUNNING', `transfer ${this.get(id).id} has ended`);
  }

  private statusSink(id: string): EmitEvent {
    return (event) => {
      const before = this.get(id);
      const status = this.options.reduceStatus(before.status, event, this.options.now().getTime());
      this.show({ ...before, status });
    };
  }

  private show(transfer: ShownTransfer<S>): void {
    this.shown.set(transfer.id, transfer);
  }

  private forgetOldest(): void {
    const ended = [...this.shown.values()].filter(({ state }) => state === 'ended');
    for (const { id } of ended.slice(0, Math.max(0, ended.length - this.options.kept))) this.shown.delete(id);
  }
}

/** What a slow reader can miss. */
function isInfo(line: string): boolean {
  return line.startsWith('WSREP_SST: [INFO]');
}
