import { setTimeout as delay } from 'node:timers/promises';
import type { AgentClient, AgentStatus } from '../control/client-interface.js';
import { TransferError } from '../errors.js';
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
 * each transfer gets a line when what it says has changed; with `json` each status is a line. An agent that has answered
 * once and does no more is waited for.
 * @throws TransferError AGENT_ABSENT when none answers at first, AGENT_REFUSED.
 */
export async function watchStatus(
  client: AgentClient,
  { json }: { readonly json: boolean },
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const screen = json ? asJson(terminal) : terminal.isInteractive ? inPlace(terminal) : inLines(terminal);
  let hasAnswered = false;
  let isGone = false;
  while (!signal.aborted) {
    try {
      screen.show(await client.status());
      hasAnswered = true;
      isGone = false;
    } catch (error) {
      if (!hasAnswered || !(error instanceof TransferError) || error.code !== 'AGENT_ABSENT') throw error;
      if (!isGone) screen.tellGone(error);
      isGone = true;
    }
    await delay(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

interface Screen {
  readonly show: (status: AgentStatus) => void;
  /** Called once when the agent does not answer any more. */
  readonly tellGone: (error: TransferError) => void;
}

function asJson(terminal: Terminal): Screen {
  const writeLine = (value: object): void => terminal.write(`${JSON.stringify(value)}\n`);
  return {
    show: writeLine,
    tellGone: ({ code, message, hint }) => writeLine({ error: { code, message, hint } }),
  };
}

function inPlace(terminal: Terminal): Screen {
  const redraw = createRedraw(terminal);
  return {
    show: (status) => redraw(formatStatus(status)),
    tellGone: (error) => redraw([sayGone(error)]),
  };
}

function inLines(terminal: Terminal): Screen {
  const last = new Map<string, string>();
  return {
    show: (status) => {
      for (const transfer of status.transfers) {
        const line = statusLine(transfer);
        if (last.get(transfer.id) === line) continue;
        last.set(transfer.id, line);
        terminal.write(`${line}\n`);
      }
    },
    tellGone: (error) => terminal.write(`${sayGone(error)}\n`),
  };
}

function sayGone({ message }: TransferError): string {
  return `${message}; asking again until one does`;
}
