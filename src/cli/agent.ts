import { startAgent, type AgentHandle, type AgentState } from '../agent/agent.js';
import { describeFailure, TransferError } from '../errors.js';
import { keepInMemory, openHistory } from '../observe/history.js';
import { openLog, type AgentLog, type LogFormat } from '../observe/json-log.js';
import { createMetrics } from '../observe/metrics.js';
import { createNotifier, type Notifier } from '../observe/notify.js';
import { version } from './version.js';

/** What `galera-sst-tunnel agent` is told on its command line. */
export interface AgentCommand {
  readonly socket: string;
  readonly stateDir: string | undefined;
  readonly logFormat: LogFormat;
}

/** `galera-sst-tunnel agent`: runs until SIGTERM or SIGINT; gives the exit status. */
export async function runAgent(command: AgentCommand): Promise<number> {
  const log = openLog(command.logFormat);
  const asked = new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => resolve(name));
  });
  // What is asked for with it, a check of each server, is not there yet.
  process.on('SIGHUP', () => log.tell('INFO', 'nothing to reload'));
  const notifier = createNotifier(process.env, process.pid, (problem) =>
    log.tell('WARNING', `cannot tell the service manager: ${problem}`),
  );
  try {
    const agent = await start(command, log, notifier);
    const alive =
      notifier.aliveEveryMs === undefined
        ? undefined
        : setInterval(() => void notifier.alive(), notifier.aliveEveryMs);
    await agent.stop(`the agent was stopped by ${await asked}`);
    clearInterval(alive);
    return 0;
  } catch (error) {
    if (!(error instanceof TransferError)) throw error;
    log.tell('ERROR', `${error.code}: ${describeFailure(error)}`);
    return error.exitStatus;
  }
}

async function start(command: AgentCommand, log: AgentLog, notifier: Notifier): Promise<AgentHandle> {
  const metrics = createMetrics(version);
  return startAgent({
    socketPath: command.socket,
    version,
    sinks: [(status, event) => log.event(status, event), (status, event) => metrics.observe(status, event)],
    history: command.stateDir === undefined ? keepInMemory() : openHistory(command.stateDir),
    checks: () => [],
    metrics: () => metrics.text(),
    onState: (state) => {
      log.tell('INFO', `agent ${state}`, { state, socket: command.socket });
      void notify(notifier, state);
    },
    onBug: (error) =>
      log.tell('ERROR', error instanceof Error ? (error.stack ?? error.message) : String(error)),
    now: () => new Date(),
  });
}

async function notify(notifier: Notifier, state: AgentState): Promise<void> {
  if (state === 'ready') await notifier.ready('waiting for transfers');
  else if (state === 'stopping') await notifier.stopping();
}
