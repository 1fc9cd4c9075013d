import { writeSync } from 'node:fs';
import { pino, type Logger } from 'pino';
import { describeFailure, type Finding } from '../errors.js';
import type { ChildOutcome, TransferEvent } from '../events.js';
import { currentTime } from '../surroundings.js';
import { escapeUnseen, oneLine } from './one-line.js';
import { describeEvent, type Level } from './server-log.js';
import type { TransferStatus } from './status.js';

/** How the agent's log is written: an object a line for journald, or for eyes. */
export type LogFormat = 'json' | 'pretty';

/** The agent's own log. */
export interface AgentLog {
  /** An event of a transfer, with what the transfer's status was after it; progress is left out. */
  event(status: TransferStatus, event: TransferEvent): void;
  /** Something that belongs to no transfer. */
  tell(level: Level, text: string, fields?: Readonly<Record<string, unknown>>): void;
  /** What a check has found. */
  finding(finding: Finding, fields?: Readonly<Record<string, unknown>>): void;
}

/** A place to write text to, whole lines at a time. */
export interface LineSink {
  write(text: string): void;
}

const toStderr: LineSink = {
  write: (text) => {
    try {
      writeSync(2, text);
    } catch {
      // A journal that is full or gone is no reason to end a transfer.
    }
  },
};

/** Opens the log; by default on stderr, one write a line, so that nothing is lost when the process ends. */
export function openLog(format: LogFormat, sink: LineSink = toStderr): AgentLog {
  const logger = pino(
    {
      base: {},
      timestamp: () => `,"time":"${currentTime().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    // In JSON, too, the escapes mean what they stand for.
    { write: (line: string) => sink.write(format === 'json' ? escapeUnseen(line) : prettyLine(line)) },
  );
  const at: Readonly<Record<Level, (fields: object, text: string) => void>> = {
    INFO: (fields, text) => logger.info(fields, text),
    WARNING: (fields, text) => logger.warn(fields, text),
    ERROR: (fields, text) => logger.error(fields, text),
  };
  return {
    event: (status, event) => logEvent(logger, at, status, event),
    tell: (level, text, fields = {}) => at[level](fields, text),
    finding: (finding, fields = {}) =>
      at[finding.severity === 'error' ? 'ERROR' : 'WARNING'](
        { ...fields, kind: 'finding', ...placeOf(finding) },
        `${finding.code}: ${describeFailure(finding)}`,
      ),
  };
}

function logEvent(
  logger: Logger,
  at: Readonly<Record<Level, (fields: object, text: string) => void>>,
  status: TransferStatus,
  event: TransferEvent,
): void {
  if (event.kind === 'progress') return;
  const { id, role, peer, phase } = status;
  const fields = { transfer: id, role, peer, phase, kind: event.kind, ...detailsOf(event) };
  const described = describeEvent(event);
  if (described === undefined)
    logger.info(fields, event.kind === 'child ended' ? `${event.name} ended` : event.kind);
  else at[described.level](fields, described.text);
}

/** What an event holds beside its text. */
function detailsOf(event: Exclude<TransferEvent, { kind: 'progress' }>): Readonly<Record<string, unknown>> {
  switch (event.kind) {
    case 'started':
      return { version: event.version, address: event.address, dataDir: event.dataDir };
    case 'command':
      return { child: event.name, command: event.shell };
    case 'child output':
      return { child: event.name, line: event.line };
    case 'child ended':
      return { child: event.name, ...outcomeOf(event.outcome) };
    case 'lock':
      return { held: event.held };
    case 'finding':
      return placeOf(event.finding);
    case 'finished': {
      const { bypass, bytes, files, seconds, lockSeconds, donorLockSeconds } = event;
      return { bypass, bytes, files, seconds, lockSeconds, donorLockSeconds };
    }
    case 'failed':
      return placeOf(event.error);
    case 'phase':
    case 'donor':
    case 'notice':
      return {};
  }
}

function outcomeOf(outcome: ChildOutcome): Readonly<Record<string, unknown>> {
  const { kind } = outcome;
  switch (kind) {
    case 'exited':
      return { outcome: kind, exitStatus: outcome.code };
    case 'signalled':
      return { outcome: kind, signal: outcome.signal };
    case 'failed to start':
      return { outcome: kind, cause: outcome.cause.message };
  }
}

function placeOf(failure: Pick<Finding, 'code' | 'option' | 'where'>): Readonly<Record<string, unknown>> {
  return { code: failure.code, option: failure.option, where: failure.where };
}

/** `2026-11-21T23:59:59.123Z INFO  [1a2b3c4d donor node2:4444] text`. */
export function prettyLine(json: string): string {
  const { time, level, msg, transfer, role, peer } = JSON.parse(json) as Readonly<
    Partial<Record<string, string>>
  >;
  const about =
    transfer === undefined ? '' : ` [${[transfer.slice(0, 8), role, peer].filter(Boolean).join(' ')}]`;
  return `${time ?? ''} ${(level ?? '').toUpperCase().padEnd(5)}${about} ${oneLine(msg ?? '')}\n`;
}
