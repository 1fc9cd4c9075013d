import { TransferError, type ErrorCode } from '../errors.js';
import type { ChildOutcome, EmitEvent } from '../events.js';
import { showCommand, type Command } from '../plan/command.js';
import { readLines } from './lines.js';
import type { RateLimit } from './rate-limit.js';
import { spawnGuarded, type Child } from './spawn.js';

/** What supervision needs to know of the transfer that a child belongs to. */
export interface Supervision {
  readonly transferId: string;
  readonly emit: EmitEvent;
  /** Aborting it ends every child at once. */
  readonly signal: AbortSignal;
  /** Limits what the child writes, together with all others that are under it. */
  readonly rate?: RateLimit | undefined;
}

/** A child with its story: what it said last and how it ended. */
export interface SupervisedChild {
  readonly command: Command;
  readonly ended: Promise<ChildOutcome>;
  /** The last lines that it wrote to stderr. */
  lastWords(): readonly string[];
  /** Writes all that a command that reads input is to read. */
  feed(input: Iterable<string>): void;
  /** The leader of its process group; undefined when it could not be started. */
  readonly pid: number | undefined;
  /** Asks it to end, insists after `graceMs`, and waits until it has. */
  stop(graceMs: number): Promise<void>;
}

/** How many of a child's last lines a failure quotes. */
const wordsKept = 6;

/** socat 1.8 remarks this of every connection. The donor looks for revoked certificates itself. */
const remark = / socat\[\d+\] W OpenSSL: Warning: this implementation does not check CRLs$/;

/** Starts a child, reports command, output and end as events, and ends its whole group when the signal aborts. */
export function supervise(
  command: Command,
  { transferId, emit, signal, rate }: Supervision,
  listen: { onStdout?: (line: string) => void; onStderr?: (line: string) => boolean } = {},
): SupervisedChild {
  signal.throwIfAborted();
  emit({ kind: 'command', name: command.name, shell: showCommand(command) });
  const child = spawnGuarded(command, transferId);
  const words: string[] = [];
  readLines(child.stdout, (line) => listen.onStdout?.(line));
  readLines(child.stderr, (line) => {
    if (remark.test(line)) return;
    // A listener that returns true has understood the line: it is routine, not a last word.
    if (listen.onStderr?.(line) === true) return;
    words.push(line);
    if (words.length > wordsKept) words.shift();
    emit({ kind: 'child output', name: command.name, line });
  });
  const onAbort = (): void => child.kill();
  signal.addEventListener('abort', onAbort, { once: true });
  const release = child.pid === undefined ? undefined : rate?.add(child.pid);
  const ended = child.ended.then((outcome) => {
    release?.();
    signal.removeEventListener('abort', onAbort);
    emit({ kind: 'child ended', name: command.name, outcome });
    return outcome;
  });
  return {
    command,
    pid: child.pid,
    feed: (input) => {
      for (const part of input) child.stdin?.write(part);
      child.stdin?.end();
    },
    ended,
    lastWords: () => words,
    stop: (graceMs) => stopChild(child, ended, graceMs),
  };
}

/** A socat that is asked to end while it ends by itself may turn in a circle forever (1.7.4.4, OpenSSL 3.0: it frees its SSL_CTX twice). */
async function stopChild(child: Child, ended: Promise<unknown>, graceMs: number): Promise<void> {
  child.terminate();
  const insist = setTimeout(() => child.kill(), graceMs);
  await ended;
  clearTimeout(insist);
}

/** `socat was ended by SIGKILL`, `rsync exited with status 12`, `socat could not be started: …`. */
export function describeOutcome(program: string, outcome: ChildOutcome): string {
  switch (outcome.kind) {
    case 'exited':
      return `${program} exited with status ${outcome.code}`;
    case 'signalled':
      return `${program} was ended by ${outcome.signal}`;
    case 'failed to start':
      return `${program} could not be started: ${outcome.cause.message}`;
  }
}

/** The error for a dead child: its name, how it ended, its last words. */
export function childFailure(
  child: SupervisedChild,
  outcome: ChildOutcome,
  code: ErrorCode = 'CHILD_FAILED',
  hint?: string,
): TransferError {
  const words = child.lastWords().join('; ');
  const text = `${child.command.name}: ${describeOutcome(child.command.program, outcome)}${words === '' ? '' : `: ${words}`}`;
  return new TransferError(code, text, { hint });
}
