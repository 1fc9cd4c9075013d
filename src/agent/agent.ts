import type { Server } from 'node:http';
import type { TransferRequest } from '../control/messages.js';
import { Refusal } from '../control/refusal.js';
import type { AgentApi } from '../control/routes.js';
import { createControlServer, usualLimits, type ControlLimits } from '../control/server.js';
import { listenOnSocket } from '../control/listen.js';
import { TransferError } from '../errors.js';
import type { History } from '../observe/history.js';
import type { TransferStatus } from '../observe/status.js';
import type { CheckedServer } from '../transfers/check-node.js';
import { Transfers, type TransferSink } from './transfers.js';

/** An agent's stations; it never goes back. */
export type AgentState = 'starting' | 'ready' | 'draining' | 'stopping' | 'stopped';

export interface AgentOptions {
  readonly socketPath: string;
  readonly version: string;
  readonly sinks: readonly TransferSink[];
  readonly history: History;
  /** Told of a request whose transfer has passed its own checks, and of each transfer that has ended. */
  readonly onPassed: (request: TransferRequest) => void;
  readonly onEnd: (status: TransferStatus) => void;
  /** The latest self-check of each server. */
  readonly checks: () => readonly CheckedServer[];
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
  readonly onState: (state: AgentState) => void;
  /** Told of defects, which must not end the agent. */
  readonly onBug: (error: unknown) => void;
  readonly limits?: ControlLimits | undefined;
  readonly now: () => Date;
}

/** The running agent. */
export interface AgentHandle {
  readonly state: () => AgentState;
  readonly transfers: Transfers;
  /** Takes on nothing more, and resolves when what runs has ended by itself. */
  drain(): Promise<void>;
  /** Takes on nothing more, ends what runs, and resolves when all of it is cleaned up; may be called again. */
  stop(why: string): Promise<void>;
}

/**
 * Starts the agent: resolves when scripts can reach it.
 * @throws TransferError ALREADY_RUNNING, DIRECTORY_MISSING, DIRECTORY_NOT_WRITABLE.
 */
export async function startAgent(options: AgentOptions): Promise<AgentHandle> {
  const { socketPath, version, now, onState } = options;
  let state: AgentState = 'starting';
  const become = (next: AgentState): void => onState((state = next));
  onState(state);
  const { sinks, history, onPassed, onEnd, onBug } = options;
  const transfers = new Transfers({ version, sinks, history, onPassed, onEnd, onBug, now });
  const started = now().toISOString();
  const describe = (): object => ({ version, pid: process.pid, state, startedAt: started });
  const api: AgentApi = {
    health: () => {
      if (state !== 'ready') throw new Refusal('STOPPING', `this agent is ${state}`);
      return describe();
    },
    status: () => ({ ...describe(), transfers: transfers.current(), checks: options.checks() }),
    transfers: () => ({ transfers: transfers.list() }),
    transfer: (id) => transfers.get(id),
    begin: (request, output) => {
      if (state !== 'ready') throw new Refusal('STOPPING', `this agent is ${state}`);
      transfers.begin(request, output);
    },
    abort: (id, request) => transfers.abort(id, request),
    throttle: (id, request) => transfers.throttle(id, request),
    metrics: options.metrics,
  };
  const server = createControlServer(api, onBug, options.limits ?? usualLimits);
  await listenOnSocket(server, socketPath);
  become('ready');
  let stopped: Promise<void> | undefined;
  const stop = async (why: string): Promise<void> => {
    become('stopping');
    await transfers.endAll(new TransferError('INTERRUPTED', why));
    await close(server);
    become('stopped');
  };
  const drain = async (): Promise<void> => {
    if (state === 'ready') become('draining');
    await transfers.allEnded();
  };
  return { state: () => state, transfers, drain, stop: (why) => (stopped ??= stop(why)) };
}

/**
 * The last lines of transfers have a moment to be read. The socket's file goes at once (libuv removes it, node 20.20): after that moment
 * the next agent's may have its name.
 */
async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const insist = setTimeout(() => server.closeAllConnections(), 500);
  await closed;
  clearTimeout(insist);
}
