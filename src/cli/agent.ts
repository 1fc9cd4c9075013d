import { setFlagsFromString } from 'node:v8';
import { readServerOption } from '../agent/servers.js';
import { startService } from '../agent/service.js';
import { agentFlags } from '../agent/v8-flags.js';
import {
  readMetricsAddress,
  serveMetrics,
  type MetricsAddress,
  type MetricsTold,
} from '../control/metrics-listener.js';
import { asTransferError, describeFailure, TransferError } from '../errors.js';
import { openLog, type AgentLog, type LogFormat } from '../observe/json-log.js';
import { createNotifier } from '../observe/notify.js';
import { currentTime, environment } from '../surroundings.js';
import { version } from './version.js';

/** What `galera-sst-tunnel agent` is told on its command line. */
export interface AgentCommand {
  readonly socket: string;
  readonly stateDir: string | undefined;
  readonly servers: readonly string[];
  readonly logFormat: LogFormat;
  /** `ADDRESS:PORT` to serve metrics on; none if missing. */
  readonly metricsListen: string | undefined;
}

/** Exit status after a defect, EX_SOFTWARE, and how long transfers then have to end by themselves, in ms. */
const defective = 70;
const lastWordsMs = 10_000;

/** Exit status that has the service manager start the agent again: EX_TEMPFAIL, RestartForceExitStatus= in the unit. */
const startAgain = 75;

interface Ending {
  readonly why: string;
  readonly exitStatus: number;
}

/**
 * `galera-sst-tunnel agent`: runs until SIGTERM or SIGINT, reloads on SIGHUP; gives the exit status. After SIGUSR2, which
 * an upgrade sends, it runs until its transfers have ended.
 */
export async function runAgent(command: AgentCommand): Promise<number> {
  setFlagsFromString(agentFlags(process.versions.v8).join(' '));
  const log = openLog(command.logFormat);
  const { promise: asked, resolve: end } = withResolvers<Ending>();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => end({ why: `the agent was stopped by ${name}`, exitStatus: 0 }));
  }
  // Transfers end in order, with a reason, rather than with the process.
  process.on('uncaughtException', (thrown: unknown) => {
    log.tell('ERROR', describeDefect(thrown));
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), lastWordsMs).unref();
    end({ why: 'the agent has a defect, its log says which', exitStatus: defective });
  });
  let drain = (): Promise<void> => Promise.resolve();
  process.on('SIGUSR2', () => {
    log.tell('INFO', 'asked to start again: takes on no more transfers, and ends after those that run');
    void drain().then(() => end({ why: 'the agent starts again', exitStatus: startAgain }));
  });
  let reload = (): void => undefined;
  process.on('SIGHUP', () => reload());
  const notifier = createNotifier(environment, process.pid, (problem) =>
    log.tell('WARNING', `cannot tell the service manager: ${problem}`),
  );
  try {
    const metricsAddress =
      command.metricsListen === undefined ? undefined : readMetricsAddress(command.metricsListen);
    const service = await startService({
      socketPath: command.socket,
      version,
      stateDir: command.stateDir,
      servers: command.servers.map(readServerOption),
      log,
      notifier,
      now: currentTime,
    });
    reload = () => void service.reload().catch((error: unknown) => log.tell('ERROR', String(error)));
    drain = () => service.drain();
    const lifetime = new AbortController();
    if (metricsAddress !== undefined)
      void serveMetrics(metricsAddress, service.metrics, tellOfMetrics(log, metricsAddress), lifetime.signal);
    const { aliveEveryMs } = notifier;
    const alive =
      aliveEveryMs === undefined ? undefined : setInterval(() => void notifier.alive(), aliveEveryMs);
    const { why, exitStatus } = await asked;
    lifetime.abort();
    await service.stop(why);
    clearInterval(alive);
    return exitStatus;
  } catch (error) {
    const isKnown = error instanceof TransferError;
    log.tell('ERROR', isKnown ? `${error.code}: ${describeFailure(error)}` : describeDefect(error));
    return isKnown ? error.exitStatus : defective;
  }
}

function tellOfMetrics(log: AgentLog, { host, port }: MetricsAddress): MetricsTold {
  return {
    serving: () => log.tell('INFO', `serving metrics on ${host} port ${port}`),
    cannot: (error) =>
      log.tell(
        'WARNING',
        `goes on without metrics, and tries again: ${describeFailure(asTransferError(error))}`,
      ),
    bug: (error) => log.tell('ERROR', String(error)),
  };
}

function describeDefect(thrown: unknown): string {
  return `a defect: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`;
}

function withResolvers<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((fulfil) => (resolve = fulfil));
  return { promise, resolve };
}
