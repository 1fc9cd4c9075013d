import { existsSync } from 'node:fs';
import type { Layout } from '../datadir/layout.js';
import { TransferError } from '../errors.js';
import type { ChildOutcome } from '../events.js';
import type { Command } from '../plan/command.js';
import type { JoinerPlan } from '../plan/joiner.js';
import { supervise } from '../processes/supervise.js';
import type { Reception } from './reception.js';
import { untilAborted } from './wait.js';

/** The way of a joiner's copy to its disks. */
export interface CopyOnDisk {
  /** Has the system begin to write, unless it is at it: it would not for half a minute. Nobody waits for it. */
  begin(): void;
  /**
   * Has the system write what has come while more is coming, until the function that it gives is called.
   * @param received how many bytes have come
   * @param expected how many will have come at the end; near it nothing is begun any more, so that the disk is not as busy while the donor's lock is held
   */
  keepUp(received: () => number, expected: () => number): () => void;
  /** Throws as soon as the system has said that it cannot write; until then, or until the signal aborts, it waits. */
  untilFailed(signal: AbortSignal): Promise<never>;
  /**
   * Waits until the copy is there: the kernel writes it when it likes, and a power cut before that would leave tables without contents that
   * nothing tells of any more. The donor's lock is long released.
   * @throws TransferError COPY_INCOMPLETE or DISK_FULL where the system could not write.
   */
  settle(): Promise<void>;
}

/** A step that writes less takes longer than it gains. */
const leastStepBytes = 192 * 1024 * 1024;
/** Each is a line of the log. */
const stepsAtMost = 16;
/** Of the whole: no step is begun after that. */
const lastStep = 0.85;
const lookEveryMs = 200;

export function copyOnDisk({
  id,
  layout,
  plan,
  emit,
  signal,
  onFailure = () => undefined,
}: Pick<Reception, 'id' | 'layout' | 'plan' | 'emit' | 'signal'> & {
  /** Told once that something of the copy may be lost: an error of the disk is told to one `sync` only, and not to those that come later. */
  readonly onFailure?: () => void;
}): CopyOnDisk {
  let running: Promise<void> | undefined;
  let isAskedAgain = false;
  const failed = new AbortController();
  const fail = (error: TransferError): void => {
    if (failed.signal.aborted) return;
    failed.abort(error);
    onFailure();
  };
  const sync = async (): Promise<TransferError | string | undefined> => {
    const child = supervise(planSync(layout, plan), { transferId: id, emit, signal });
    // What waits for a disk cannot be killed.
    const outcome = await Promise.race([child.ended, untilAborted(signal)]);
    signal.throwIfAborted();
    return understandSync(outcome, child.lastWords());
  };
  const begin = (): void => {
    if (running !== undefined) {
      isAskedAgain = true;
      return;
    }
    const ended = (): void => {
      running = undefined;
      if (isAskedAgain) begin();
    };
    isAskedAgain = false;
    running = sync().then((failure) => {
      if (failure instanceof TransferError) fail(failure);
      ended();
    }, ended);
  };
  return {
    begin,
    keepUp: (received, expected) => {
      let writtenBytes = 0;
      const timer = setInterval(() => {
        if (running !== undefined) return;
        const [bytes, allBytes] = [received(), expected()];
        const stepBytes = Math.max(leastStepBytes, allBytes / stepsAtMost);
        if (bytes - writtenBytes < stepBytes || bytes > lastStep * allBytes) return;
        writtenBytes = bytes;
        begin();
      }, lookEveryMs);
      return () => clearInterval(timer);
    },
    untilFailed: (within) => untilAborted(AbortSignal.any([within, failed.signal])),
    settle: async () => {
      const startedMs = performance.now();
      isAskedAgain = false;
      await running;
      failed.signal.throwIfAborted();
      // What the comparison has removed or renamed is for the second.
      const failure = await sync();
      if (failure instanceof TransferError) {
        fail(failure);
        throw failure;
      }
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      emit({ kind: 'notice', text: failure ?? `the copy is on disk (${seconds} s)` });
    },
  };
}

/** Of the file systems that hold a part of the copy, and of no others. */
export function planSync({ roots, binlog }: Layout, { links }: Pick<JoinerPlan, 'links'>): Command {
  const directories = new Set([
    ...Object.values(roots),
    ...(binlog === undefined ? [] : [binlog.dir]),
    ...links.map(({ target }) => target),
  ]);
  return { name: 'sync', program: 'sync', args: ['-f', '--', ...[...directories].filter(existsSync)] };
}

/** Undefined when all is on disk; an error when it cannot be, a text when nobody knows. */
export function understandSync(
  outcome: ChildOutcome,
  words: readonly string[],
): TransferError | string | undefined {
  if (outcome.kind === 'exited' && outcome.code === 0) return undefined;
  const said = words.join(' ');
  if (isUnable(outcome, words))
    return 'sync -f does not work here: the system writes the copy to disk when it likes, and a power cut within the next minute may damage it';
  const isFull = /No space left on device|Disk quota exceeded/.test(said);
  // Killed, it may have been told of an error that no other one will be told of.
  const cause = outcome.kind === 'signalled' ? `sync was ended by ${outcome.signal}` : said;
  return new TransferError(
    isFull ? 'DISK_FULL' : 'COPY_INCOMPLETE',
    `the copy cannot be written to disk: ${cause}`,
    isFull
      ? {}
      : {
          hint: "the kernel's log (dmesg) says what is wrong with the disk; an error from before this transfer is told once, and not to the next one",
        },
  );
}

/**
 * A sync without -f (coreutils before 8.24, BusyBox before 1.24), or a kernel without syncfs(2). Whatever else it says is what has become
 * of the writing: the kernel has an error of its own for each way in which a disk can fail, as `No data available` for a bad sector.
 */
const noSync = /invalid option|unrecognized option|ignoring all arguments|Function not implemented/;
/** What the shell that starts a program ends with where there is none, or none that may be run. */
const notRun: ReadonlySet<number> = new Set([126, 127]);

function isUnable(outcome: ChildOutcome, words: readonly string[]): boolean {
  if (outcome.kind !== 'exited') return outcome.kind === 'failed to start';
  if (notRun.has(outcome.code)) return true;
  const errors = words.filter((line) => line.includes('error syncing'));
  return words.some((line) => noSync.test(line)) && errors.every((line) => noSync.test(line));
}
