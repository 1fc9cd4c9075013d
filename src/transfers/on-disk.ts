import { existsSync } from 'node:fs';
import type { Layout } from '../datadir/layout.js';
import { TransferError } from '../errors.js';
import type { ChildOutcome } from '../events.js';
import type { Command } from '../plan/command.js';
import type { JoinerPlan } from '../plan/joiner.js';
import { supervise, type SupervisedChild } from '../processes/supervise.js';
import type { TransferContext } from './context.js';
import { untilAborted } from './wait.js';

/** Gets the copy onto the joiner's disks. */
export interface Disks {
  /**
   * From now on has what has come written every two seconds: left to itself the kernel (Linux 6.18) begins when a tenth of the memory waits, or
   * after half a minute, and the end would wait for all of that. Ends with the signal only.
   * @throws TransferError COPY_INCOMPLETE or DISK_FULL where the system cannot write, before the donor is locked for nothing.
   */
  writeAhead(signal: AbortSignal): Promise<never>;
  /**
   * Waits until the copy is on disk: a power cut before that would leave tables without contents that nothing tells of any more. The donor's
   * lock is long released.
   * @throws as writeAhead does.
   */
  settle(): Promise<void>;
}

const everyMs = 2000;

/** A transfer's disks; nothing is started before the first call. */
export function disksOf(
  { layout, plan }: { readonly layout: Layout; readonly plan: Pick<JoinerPlan, 'links'> },
  { id, emit, signal }: Pick<TransferContext, 'id' | 'emit' | 'signal'>,
): Disks {
  let writer: Writer | undefined;
  const begin = (): Writer => {
    const command = planSync(layout, plan);
    return (writer ??= startWriter((onStdout) =>
      supervise(command, { transferId: id, emit, signal }, { onStdout }),
    ));
  };
  /** Gives why nobody knows whether all is on disk; undefined when it is. */
  const complete = async ({ child, finish }: Writer): Promise<string | undefined> => {
    finish();
    // What waits for a disk cannot be killed.
    const outcome = await Promise.race([child.ended, untilAborted(signal)]);
    signal.throwIfAborted();
    const failure = understandSync(outcome, child.lastWords());
    if (failure instanceof TransferError) throw failure;
    return failure;
  };
  return {
    writeAhead: async (until) => {
      const { child, write } = begin();
      const timer = setInterval(write, everyMs);
      try {
        const outcome = await Promise.race([child.ended, untilAborted(until)]);
        // What is no error of a disk is seen to at the end.
        const failure = understandSync(outcome, child.lastWords());
        if (failure instanceof TransferError) throw failure;
      } finally {
        clearInterval(timer);
      }
      return untilAborted(until);
    },
    settle: async () => {
      const startedMs = performance.now();
      const hasBegun = writer !== undefined;
      let failure = await complete(begin());
      if (failure !== undefined && hasBegun) {
        // It may have ended long ago: killed, or since a directory has gone that a link led to.
        writer = undefined;
        failure = await complete(begin());
      }
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      emit({ kind: 'notice', text: failure ?? `the copy is on disk (${seconds} s)` });
    },
  };
}

/** Writes each time it is asked. */
interface Writer {
  readonly child: SupervisedChild;
  /** Once more, unless it is at work. */
  readonly write: () => void;
  /** A last time, after which it ends. */
  readonly finish: () => void;
}

function startWriter(start: (onStdout: () => void) => SupervisedChild): Writer {
  let isAtWork = false;
  const child = start(() => (isAtWork = false));
  return {
    child,
    write: () => {
      if (isAtWork) return;
      isAtWork = true;
      child.write('\n');
    },
    finish: () => child.feed(['\n']),
  };
}

/**
 * One program for all times: an error of the disk is told to the first who asks (Linux 6.18), and whoever asked must not be forgotten.
 * Constant: the directories are its arguments.
 */
const writing = 'while read -r _; do sync -f -- "$@" || exit; echo written; done';

/** Of the file systems that hold a part of the copy, and of no others. */
export function planSync({ roots, binlog }: Layout, { links }: Pick<JoinerPlan, 'links'>): Command {
  const directories = new Set([
    ...Object.values(roots),
    ...(binlog === undefined ? [] : [binlog.dir]),
    ...links.map(({ target }) => target),
  ]);
  return {
    name: 'sync',
    program: 'sh',
    args: ['-c', writing, 'sh', ...[...directories].filter(existsSync)],
    readsInput: true,
  };
}

/** Undefined when all is on disk; an error when it cannot be, a text when nobody knows. */
export function understandSync(
  outcome: ChildOutcome,
  words: readonly string[],
): TransferError | string | undefined {
  if (outcome.kind === 'exited' && outcome.code === 0) return undefined;
  const said = words.join(' ');
  const isFull = /No space left on device|Disk quota exceeded/.test(said);
  if (isFull || /Input\/output error/.test(said)) {
    return new TransferError(
      isFull ? 'DISK_FULL' : 'COPY_INCOMPLETE',
      `the copy cannot be written to disk: ${said}`,
      isFull
        ? {}
        : {
            hint: "the kernel's log (dmesg) says what is wrong with the disk; an error from before this transfer is told once, and not to the next one",
          },
    );
  }
  // A sync without -f (coreutils before 8.24), or none at all.
  return 'sync -f does not work here: the system writes the copy to disk when it likes, and a power cut within the next minute may damage it';
}
