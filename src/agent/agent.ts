import { rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { Refusal } from '../control/refusal.js';
import type { AgentApi } from '../control/routes.js';
import { createControlServer, usualLimits, type ControlLimits } from '../control/server.js';
import { listenOnSocket } from '../control/listen.js';
import { TransferError } from '../errors.js';
import { Transfers, type OpenSink, type ReduceStatus } from './transfers.js';

/** An agent's stations; it never goes back. */
export type AgentState = 'starting' | 'ready' | 'stopping' | 'stopped';

export interface AgentOptions<S extends object> {
  readonly socketPath: string;
  readonly version: string;
  readonly reduceStatus: ReduceStatus<S>;
  readonly sinks: readonly OpenSink[];
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
  readonly onState: (state: AgentState) => void;
  /** Told of defects, which must not end the agent. */
  readonly onBug: (error: unknown) => void;
  readonly limits?: ControlLimits | undefined;
  readonly now: () => Date;
}

/** The running agent. */
export interface AgentHandle<S extends object> {
  readonly state: () => AgentState;
  readonly transfers: Transfers<S>;
  /** Takes on nothing more, ends what runs, and resolves when all of it is cleaned up; may be called again. */
  stop(why: string): Promise<void>;
}

/**
 * Starts the agent: resolves when scripts can reach it.
 * @throws TransferError ALREADY_RUNNING, DIRECTORY_MISSING, DIRECTORY_NOT_WRITABLE.
 */
export async function startAgent<S extends object>(options: AgentOptions<S>): Promise<AgentHandle<S>> {
  const { socketPath, version, now, onState } = options;
  let state: AgentState = 'starting';
  const become = (next: AgentState): void => onState((state = next));
  onState(state);
  const transfers = new Transfers<S>({
    version,
    reduceStatus: options.reduceStatus,
    sinks: options.sinks,
    kept: 20,
    now,
  });
  const started = now().toISOString();
  const describe = (): object => ({ version, pid: process.pid, state, startedAt: started });
  const api: AgentApi = {
    health: () => {
      if (state === 'stopping') throw new Refusal('STOPPING', 'this agent is being stopped');
      return describe();
    },
    status: () => ({
      agent: describe(),
      transfers: transfers.list().filter(({ state: s }) => s !== 'ended'),
    }),
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
  const server = createControlServer(api, options.onBug, options.limits ?? usualLimits);
  await listenOnSocket(server, socketPath);
  become('ready');
  let stopped: Promise<void> | undefined;
  const stop = async (why: string): Promise<void> => {
    become('stopping');
    await transfers.endAll(new TransferError('INTERRUPTED', why));
    await close(server, socketPath);
    become('stopped');
  };
  return { state: () => state, transfers, stop: (why) => (stopped ??= stop(why)) };
}

/** The last lines of transfers have a moment to be read. */
async function close(server: Server, socketPath: string): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const insist = setTimeout(() => server.closeAllConnections(), 500);
  await closed;
  clearTimeout(insist);
  rmSync(socketPath, { force: true });
}
