import { readServerOption } from '../agent/servers.js';
import { startService } from '../agent/service.js';
import { describeFailure, TransferError } from '../errors.js';
import { openLog, type LogFormat } from '../observe/json-log.js';
import { createNotifier } from '../observe/notify.js';
import { version } from './version.js';

/** What `galera-sst-tunnel agent` is told on its command line. */
export interface AgentCommand {
  readonly socket: string;
  readonly stateDir: string | undefined;
  readonly servers: readonly string[];
  readonly logFormat: LogFormat;
}

/** `galera-sst-tunnel agent`: runs until SIGTERM or SIGINT, reloads on SIGHUP; gives the exit status. */
export async function runAgent(command: AgentCommand): Promise<number> {
  const log = openLog(command.logFormat);
  const asked = new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => resolve(name));
  });
  let reload = (): void => undefined;
  process.on('SIGHUP', () => reload());
  const notifier = createNotifier(process.env, process.pid, (problem) =>
    log.tell('WARNING', `cannot tell the service manager: ${problem}`),
  );
  try {
    const service = await startService({
      socketPath: command.socket,
      version,
      stateDir: command.stateDir,
      servers: command.servers.map(readServerOption),
      log,
      notifier,
      now: () => new Date(),
    });
    reload = () => void service.reload().catch((error: unknown) => log.tell('ERROR', String(error)));
    const { aliveEveryMs } = notifier;
    const alive =
      aliveEveryMs === undefined ? undefined : setInterval(() => void notifier.alive(), aliveEveryMs);
    await service.stop(`the agent was stopped by ${await asked}`);
    clearInterval(alive);
    return 0;
  } catch (error) {
    if (!(error instanceof TransferError)) throw error;
    log.tell('ERROR', `${error.code}: ${describeFailure(error)}`);
    return error.exitStatus;
  }
}
