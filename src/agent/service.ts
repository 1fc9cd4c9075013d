import { randomUUID } from 'node:crypto';
import { judgeSocket } from '../control/socket.js';
import { asTransferError, describeFailure } from '../errors.js';
import type { EmitEvent } from '../events.js';
import { keepInMemory, openHistory } from '../observe/history.js';
import type { AgentLog } from '../observe/json-log.js';
import { managerLine } from '../observe/manager-line.js';
import { createMetrics } from '../observe/metrics.js';
import type { Notifier } from '../observe/notify.js';
import { isWorthTelling, type ToldProgress } from '../observe/progress-line.js';
import type { TransferStatus } from '../observe/status.js';
import type { CheckChanges } from '../transfers/check-changes.js';
import type { CheckedServer } from '../transfers/check-node.js';
import { ownUser } from '../surroundings.js';
import { clearCrashed, lookAtClaim } from '../transfers/workplace.js';
import { startAgent, type AgentHandle, type AgentState } from './agent.js';
import { createChecks, type Reloaded } from './checks.js';
import { giveBackMemory } from './memory.js';
import { warmUp } from './warm-up.js';
import { openRemembered, rememberable, type RememberedServers } from './remembered.js';
import { asGiven, isSystemServerMeant, systemServer, type GivenServer } from './servers.js';
import type { TransferSink } from './transfers.js';

export interface ServiceOptions {
  readonly socketPath: string;
  readonly version: string;
  /** Where history and servers are kept; in memory if missing. */
  readonly stateDir: string | undefined;
  /** The servers that an administrator has named. */
  readonly servers: readonly GivenServer[];
  readonly log: AgentLog;
  readonly notifier: Notifier;
  readonly now: () => Date;
}

/** The agent with everything around it: log, metrics, history, the checks of idle servers, the service manager. */
export interface Service {
  readonly metrics: () => Promise<string>;
  /** Reads the option files of all servers anew and checks them; says in log and status what came of it. */
  reload(): Promise<void>;
  /** Takes on no more transfers, and resolves when those that run have ended. */
  drain(): Promise<void>;
  stop(why: string): Promise<void>;
}

/** Starts it; @throws TransferError as `startAgent` does. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { log, notifier, version, stateDir, now } = options;
  const metrics = createMetrics(version);
  const remembered = openRemembered(stateDir);
  const lifetime = new AbortController();
  const onBug = (error: unknown): void =>
    log.tell('ERROR', error instanceof Error ? (error.stack ?? error.message) : String(error));
  const describeNow = (): string =>
    managerLine(agent.transfers.listRunning(), checks.latest(), agent.state() === 'draining');
  const checks = createChecks(
    {
      servers: () => serversOf(options.servers, remembered),
      onChecked: (all, changes) => {
        metrics.check(all);
        for (const { server, changes: changed } of changes) tellChanges(log, server, changed);
        void notifier.status(describeNow());
      },
      isBusy: () => agent.transfers.runningCount > 0,
      onBug,
      now,
    },
    lifetime.signal,
  );
  const checkLater = afterAWhile(checks.checkSoon, checkAfterTransferMs, lifetime.signal);
  const giveBack = (): void => {
    if (agent.transfers.runningCount === 0) giveBackMemory();
  };
  const giveBackLater = afterAWhile(giveBack, giveBackAfterTransferMs, lifetime.signal);
  const history = stateDir === undefined ? keepInMemory() : openHistory(stateDir);
  const agent: AgentHandle = await startAgent({
    socketPath: options.socketPath,
    version,
    sinks: [
      (status, event) => log.event(status, event),
      (status) => metrics.observe(status),
      tellManager(() => void notifier.status(describeNow()), now),
    ],
    history,
    onPassed: (request) => {
      const server = rememberable(request);
      if (server !== undefined) remembered.remember(server);
    },
    onEnd: (status) => {
      metrics.ended(status);
      void notifier.status(describeNow());
      checkLater();
      giveBackLater();
    },
    checks: checks.latest,
    metrics: () => metrics.text(),
    onState: (state) => {
      log.tell('INFO', `agent ${state}`, { state, socket: options.socketPath });
      if (state === 'ready') void notifier.ready('waiting for transfers');
      else if (state === 'draining') void notifier.status(describeNow());
      else if (state === 'stopping') void notifier.stopping();
    },
    onBug,
    now,
  });
  tellDistrust(log, options.socketPath);
  attempt(() => tellCutOff(log, history.takeOver()), onBug);
  // Before the first check, which would warn of it.
  for (const { dataDir } of remembered.list()) attempt(() => clearLeft(log, dataDir), onBug);
  // Scripts are answered first: a check takes a moment, and nobody waits for it.
  void warmUp().catch(onBug).then(checks.checkSoon);
  return {
    metrics: () => metrics.text(),
    reload: async () => {
      await notifier.reloading();
      const said = describeReload(await checks.check().catch(asFailed));
      log.tell(said.level, said.text);
      // Whatever came of it, a reload that has begun has an end; nothing is ready once it stops.
      if (!hasEnded(agent.state())) await notifier.ready(`${said.text}; ${describeNow()}`);
    },
    drain: () => agent.drain(),
    stop: async (why) => {
      lifetime.abort(new Error(why));
      await agent.stop(why);
    },
  };
}

/** When a copy is complete, the joiner's server starts, and the donor's catches up: the processors are theirs for so long. */
const checkAfterTransferMs = 3000;

/** After that check. */
const giveBackAfterTransferMs = 6000;

/** Does something some time after it was last asked to, until the signal aborts. */
function afterAWhile(action: () => void, delayMs: number, signal: AbortSignal): () => void {
  let timer: NodeJS.Timeout | undefined;
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  return () => {
    clearTimeout(timer);
    if (!signal.aborted) timer = setTimeout(action, delayMs);
  };
}

/** What an administrator has named; else what has asked for a transfer; else what the system's option files say. */
async function serversOf(
  named: readonly GivenServer[],
  remembered: RememberedServers,
): Promise<readonly GivenServer[]> {
  const known = remembered.list().map(asGiven);
  if (named.length > 0) return [...known, ...named];
  if (known.length > 0) return known;
  return (await isSystemServerMeant()) ? [systemServer] : [];
}

/** Told at every phase and, as the server's log, every 5 % or 30 s: each message costs a short process. */
function tellManager(tell: () => void, now: () => Date): TransferSink {
  const told = new Map<string, ToldProgress>();
  return (status, event) => {
    const { id, percent = 0, outcome } = status;
    const atMs = now().getTime();
    if (outcome !== undefined) told.delete(id);
    else if (event.kind === 'phase') {
      told.set(id, { atMs, percent });
      tell();
    } else if (
      event.kind === 'progress' &&
      isWorthTelling(told.get(id) ?? { atMs, percent: 0 }, percent, atMs)
    ) {
      told.set(id, { atMs, percent });
      tell();
    }
  };
}

/** Transfers that were cut off when the last agent was killed. */
function tellCutOff(log: AgentLog, transfers: readonly TransferStatus[]): void {
  for (const { id, role, peer, phase } of transfers) {
    const text = `transfer ${id} was cut off: the agent that did it was killed`;
    log.tell('WARNING', text, { transfer: id, role, peer, phase });
  }
}

/** What a transfer has left that was killed with all that would have swept up after it; one that runs is left alone. */
function clearLeft(log: AgentLog, dataDir: string): void {
  if (lookAtClaim(dataDir).kind !== 'stale') return;
  const emit: EmitEvent = (event) => {
    if (event.kind === 'notice') log.tell('INFO', event.text, { dataDir });
  };
  try {
    clearCrashed({ dataDir, transferId: randomUUID(), emit });
  } catch (error) {
    // The check tells what is wrong with the directory; the next transfer tries again.
    log.tell('WARNING', describeFailure(asTransferError(error)), { dataDir });
  }
}

function tellChanges(
  log: AgentLog,
  { dataDir }: CheckedServer,
  { appeared, disappeared }: CheckChanges,
): void {
  for (const finding of appeared) log.finding(finding, { dataDir, roles: finding.roles });
  for (const finding of disappeared) {
    const { code } = finding;
    log.tell('INFO', `no longer: ${describeFailure(finding)}`, { kind: 'finding gone', dataDir, code });
  }
}

function asFailed(error: unknown): Reloaded {
  return { servers: 0, failures: [{ text: String(error), isKept: true }] };
}

function hasEnded(state: AgentState): boolean {
  return state === 'stopping' || state === 'stopped';
}

function describeReload({ servers, failures }: Reloaded): { level: 'INFO' | 'ERROR'; text: string } {
  const checked = servers === 1 ? '1 server' : `${servers} servers`;
  if (failures.length === 0) return { level: 'INFO', text: `reloaded, ${checked} checked` };
  const textsOf = (wanted: boolean): string[] =>
    failures.filter(({ isKept }) => isKept === wanted).map(({ text }) => text);
  const said = [
    ['what was read before stays in use', textsOf(true)],
    ['nothing could be read yet', textsOf(false)],
  ] as const;
  const parts = said.filter(([, texts]) => texts.length > 0);
  const text = parts.map(([what, texts]) => `${what}: ${texts.join('; ')}`).join('; ');
  return { level: 'ERROR', text: `reload failed, ${text}` };
}

/** Scripts that run as this user, as they have to, would pass this agent by. */
function tellDistrust(log: AgentLog, socketPath: string): void {
  const trust = judgeSocket(socketPath, ownUser().uid);
  if (trust.kind === 'refused')
    log.tell(
      'WARNING',
      `AGENT_UNTRUSTED: no script will hand a transfer to this agent: ${trust.reason} HINT: ${trust.hint}`,
    );
}

function attempt(work: () => void, onFailure: (error: unknown) => void): void {
  try {
    work();
  } catch (error) {
    onFailure(error);
  }
}
