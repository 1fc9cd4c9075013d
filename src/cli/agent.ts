import { mkdirSync } from 'node:fs';
import { startAgent } from '../agent/agent.js';
import { reduceSummary } from '../agent/summary.js';
import { describeFailure, TransferError } from '../errors.js';
import { describeEvent } from '../observe/server-log.js';
import { version } from './version.js';

/** What `galera-sst-tunnel agent` is told on its command line. */
export interface AgentCommand {
  readonly socket: string;
  readonly stateDir: string | undefined;
  readonly logFormat: 'json' | 'pretty';
}

/** `galera-sst-tunnel agent`: runs until SIGTERM or SIGINT; gives the exit status. */
export async function runAgent(command: AgentCommand): Promise<number> {
  const log = (level: string, text: string, more: object = {}): void => {
    const time = new Date().toISOString();
    process.stderr.write(
      command.logFormat === 'json'
        ? `${JSON.stringify({ time, level, ...more, msg: text })}\n`
        : `${time} ${level} ${text}\n`,
    );
  };
  const asked = new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => resolve(name));
  });
  process.on('SIGHUP', () => log('info', 'asked to check again'));
  try {
    if (command.stateDir !== undefined) mkdirSync(command.stateDir, { recursive: true, mode: 0o750 });
    const agent = await startAgent({
      socketPath: command.socket,
      version,
      reduceStatus: reduceSummary,
      sinks: [
        ({ id }) =>
          (event) => {
            const described = describeEvent(event);
            if (described !== undefined) log(described.level.toLowerCase(), described.text, { transfer: id });
          },
      ],
      metrics: () => Promise.resolve(''),
      onState: (state) => log('info', `agent ${state}`, { state, socket: command.socket }),
      onBug: (error) => log('error', error instanceof Error ? (error.stack ?? error.message) : String(error)),
      now: () => new Date(),
    });
    await agent.stop(`the agent was stopped by ${await asked}`);
    return 0;
  } catch (error) {
    if (!(error instanceof TransferError)) throw error;
    log('error', `${error.code}: ${describeFailure(error)}`);
    return error.exitStatus;
  }
}
