import { describeFailure } from '../errors.js';
import type { EmitEvent, TransferEvent } from '../events.js';
import { oneLine } from './one-line.js';
import { describeProgress, isWorthTelling, type ToldProgress } from './progress-line.js';
import { reduceTransfer, statusOf, type TransferState } from './status.js';

/** How loud a line is; `[ERROR]` appears once in a transfer that fails, and never in one that does not. */
export type Level = 'INFO' | 'WARNING' | 'ERROR';

/** The line for the server's error log: `WSREP_SST: [INFO] text (20261121 23:59:59.123)`, in local time. */
export function serverLogLine(level: Level, text: string, now: Date): string {
  return `WSREP_SST: [${level}] ${oneLine(text)} (${stamp(now)})`;
}

/**
 * Tells the server's error log about one transfer: every event that belongs there, and its progress every 5 % or 30 s.
 * @param writeLine gets lines without newline
 */
export function createServerLog(writeLine: (line: string) => void, now: () => Date): EmitEvent {
  let state: TransferState | undefined;
  let told: ToldProgress = { atMs: now().getTime(), percent: 0 };
  return (event) => {
    const at = now();
    state = reduceTransfer(state, event, at.getTime());
    if (event.kind === 'phase') told = { ...told, atMs: at.getTime() };
    const described = describeEvent(event);
    if (described !== undefined) writeLine(serverLogLine(described.level, described.text, at));
    if ((event.kind !== 'progress' && event.kind !== 'phase') || state?.percent === undefined) return;
    const status = statusOf(state, at.getTime());
    const { percent = 0 } = status;
    if (!isWorthTelling(told, percent, at.getTime())) return;
    told = { atMs: at.getTime(), percent };
    const verb = status.role === 'donor' ? 'sent' : 'received';
    writeLine(serverLogLine('INFO', `${verb} ${describeProgress(status)}`, at));
  };
}

/** What an event looks like in the server's error log; undefined for those that do not belong there. */
export function describeEvent(event: TransferEvent): { level: Level; text: string } | undefined {
  switch (event.kind) {
    case 'started':
      return info(
        `galera-sst-tunnel ${event.version}: transfer ${event.id} as ${event.role}, address ${event.address}`,
      );
    case 'phase':
      return info(`phase: ${event.phase}`);
    case 'donor':
      return info(`the donor is ${event.peer}`);
    case 'notice':
      return info(event.text);
    case 'finding':
      return { level: 'WARNING', text: `${event.finding.code}: ${describeFailure(event.finding)}` };
    case 'command':
      return info(`${event.name}: ${event.shell}`);
    case 'child output':
      return info(`${event.name} says: ${event.line}`);
    case 'child ended':
      return undefined;
    case 'progress':
      return undefined;
    case 'lock':
      return info(event.held ? 'the server holds its global read lock' : 'told the server to continue');
    case 'finished':
      return info(describeFinish(event));
    case 'failed':
      return { level: 'ERROR', text: `${event.error.code}: ${describeFailure(event.error)}` };
  }
}

function describeFinish(event: Extract<TransferEvent, { kind: 'finished' }>): string {
  if (event.bypass) return 'no state snapshot needed: an incremental state transfer (IST) follows';
  const size = `${event.files} files, ${event.bytes} bytes`;
  const rate = (event.bytes / Math.max(event.seconds, 0.001) / 1e6).toFixed(1);
  const took = `in ${event.seconds.toFixed(1)} s (${rate} MB/s)`;
  if (event.lockSeconds !== undefined) {
    return `sent ${size} ${took}, writes were locked for ${event.lockSeconds.toFixed(1)} s`;
  }
  const { donorLockSeconds } = event;
  const locked =
    donorLockSeconds === undefined
      ? ''
      : `, the donor's writes were locked for ${donorLockSeconds.toFixed(1)} s`;
  return `the copy is complete: received ${size} ${took}${locked}`;
}

function info(text: string): { level: Level; text: string } {
  return { level: 'INFO', text };
}

function stamp(now: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(':');
  return `${day} ${time}.${String(now.getMilliseconds()).padStart(3, '0')}`;
}
