import { setTimeout as delay } from 'node:timers/promises';
import type { AgentClient, AgentStatus } from '../control/client-interface.js';
import { formatStatus, statusLine } from './format-status.js';
import { createRedraw, type Terminal } from './terminal.js';

const everyMs = 1000;

/** `galera-sst-tunnel status`: transfers and findings, once. */
export async function runStatus(
  client: AgentClient,
  { json }: { readonly json: boolean },
  terminal: Terminal,
): Promise<void> {
  const status = await client.status();
  const text = json ? JSON.stringify(status, undefined, 2) : formatStatus(status).join('\n');
  terminal.write(`${text}\n`);
}

/**
 * `galera-sst-tunnel status --watch`: once a second until the signal aborts. On a terminal it is drawn in place; else
 * each transfer gets a line when what it says has changed; with `json` each status is a line.
 */
export async function watchStatus(
  client: AgentClient,
  { json }: { readonly json: boolean },
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const show = json ? asJson(terminal) : terminal.isInteractive ? inPlace(terminal) : inLines(terminal);
  while (!signal.aborted) {
    show(await client.status());
    await delay(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

function asJson(terminal: Terminal): (status: AgentStatus) => void {
  return (status) => terminal.write(`${JSON.stringify(status)}\n`);
}

function inPlace(terminal: Terminal): (status: AgentStatus) => void {
  const redraw = createRedraw(terminal);
  return (status) => redraw(formatStatus(status));
}

function inLines(terminal: Terminal): (status: AgentStatus) => void {
  const last = new Map<string, string>();
  return (status) => {
    for (const transfer of status.transfers) {
      const line = statusLine(transfer);
      if (last.get(transfer.id) === line) continue;
      last.set(transfer.id, line);
      terminal.write(`${line}\n`);
    }
  };
}
