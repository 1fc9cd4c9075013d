import type { AgentClient } from '../control/client-interface.js';
import { showTime } from '../observe/quantities.js';
import type { TransferRecord } from '../observe/recorder.js';
import { describeEnded } from './format-status.js';
import { printable, type Terminal } from './terminal.js';

/** `galera-sst-tunnel history`: the transfers of the past, the newest last, where a reader's eye is. */
export async function runHistory(
  client: AgentClient,
  { json, limit }: { readonly json: boolean; readonly limit: number },
  terminal: Terminal,
): Promise<void> {
  const transfers = (await client.history()).slice(0, limit);
  const lines = json
    ? [JSON.stringify(transfers, undefined, 2)]
    : transfers.length === 0
      ? ['no transfer yet']
      : [...transfers].reverse().map((transfer) => printable(describeEnded(transfer)));
  terminal.write(`${lines.join('\n')}\n`);
}

/** `galera-sst-tunnel show ID`: all commands and log lines of one transfer. */
export async function runShow(
  client: AgentClient,
  id: string,
  { json }: { readonly json: boolean },
  terminal: Terminal,
): Promise<void> {
  const record = await client.show(id);
  terminal.write(`${json ? JSON.stringify(record, undefined, 2) : formatRecord(record).join('\n')}\n`);
}

/** Commands as they can be run again, and the log. */
export function formatRecord({ status, commands, log, leftOut }: TransferRecord): string[] {
  const hint = status.outcome?.kind === 'failed' ? [`HINT: ${status.outcome.hint}`] : [];
  return [
    `transfer ${status.id}, version ${status.version}, data directory ${status.dataDir}`,
    describeEnded(status),
    ...hint,
    '',
    'commands:',
    ...commands.map(({ at, name, shell }) => `  ${clock(at)}  ${name}: ${shell}`),
    '',
    'log:',
    ...log.map(({ at, level, text }) => `  ${clock(at)}  ${level.padEnd(7)}  ${text}`),
    ...(leftOut === 0 ? [] : [`  (${leftOut} lines were not kept)`]),
  ].map(printable);
}

function clock(iso: string): string {
  return showTime(iso).slice(11);
}
