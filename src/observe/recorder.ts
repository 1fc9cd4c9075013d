import type { TransferEvent } from '../events.js';
import { cut } from './cut.js';
import { describeEvent, type Level } from './server-log.js';
import { reduceTransfer, statusOf, type TransferState, type TransferStatus } from './status.js';

/** A command of a transfer, quoted for a shell; secrets are not in it. */
export interface RecordedCommand {
  /** ISO 8601. */
  readonly at: string;
  readonly name: string;
  readonly shell: string;
}

/** A line of a transfer's log. */
export interface RecordedLine {
  /** ISO 8601. */
  readonly at: string;
  readonly level: Level;
  readonly text: string;
}

/** One transfer with all that was run and said. */
export interface TransferRecord {
  readonly status: TransferStatus;
  readonly commands: readonly RecordedCommand[];
  readonly log: readonly RecordedLine[];
  /** Lines that were left out of the middle of the log, and commands past the last. */
  readonly leftOut: number;
}

/** What the recorder carries from event to event. */
export interface Recording {
  readonly state: TransferState;
  readonly commands: readonly RecordedCommand[];
  readonly head: readonly RecordedLine[];
  readonly tail: readonly RecordedLine[];
  readonly leftOut: number;
}

/** A child that complains about each of a million files must not fill the history: the beginning and the end tell. */
const keptAtEachEnd = 200;
/** Ten passes of 64 streams, with the messages between them. */
const keptCommands = 1000;

/** The next recording; undefined before the transfer has started. */
export function record(
  recording: Recording | undefined,
  event: TransferEvent,
  atMs: number,
): Recording | undefined {
  const state = reduceTransfer(recording?.state, event, atMs);
  if (state === undefined) return undefined;
  const next = { ...(recording ?? { commands: [], head: [], tail: [], leftOut: 0 }), state };
  const at = new Date(atMs).toISOString();
  if (event.kind === 'command') {
    const command = { at, name: event.name, shell: cut(event.shell) };
    return next.commands.length < keptCommands
      ? { ...next, commands: [...next.commands, command] }
      : { ...next, leftOut: next.leftOut + 1 };
  }
  const described = describeEvent(event);
  return described === undefined
    ? next
    : addLine(next, { at, level: described.level, text: cut(described.text) });
}

function addLine(recording: Recording, line: RecordedLine): Recording {
  if (recording.head.length < keptAtEachEnd) return { ...recording, head: [...recording.head, line] };
  const tail = [...recording.tail, line];
  return tail.length <= keptAtEachEnd
    ? { ...recording, tail }
    : { ...recording, tail: tail.slice(1), leftOut: recording.leftOut + 1 };
}

/** The recording as it is kept and shown. */
export function recordOf({ state, commands, head, tail, leftOut }: Recording, nowMs: number): TransferRecord {
  return { status: statusOf(state, nowMs), commands, log: [...head, ...tail], leftOut };
}
