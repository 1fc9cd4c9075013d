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
  /** Has the system begin to write, while the copy is compared: it would not for half a minute. Nobody waits for it. */
  begin(): void;
  /**
   * Waits until the copy is there: the kernel writes it when it likes, and a power cut before that would leave tables without contents that
   * nothing tells of any more. The donor's lock is long released.
   * @throws TransferError COPY_INCOMPLETE or DISK_FULL where the system could not write.
   */
  settle(): Promise<void>;
}

export function copyOnDisk({
  id,
  layout,
  plan,
  emit,
  signal,
}: Pick<Reception, 'id' | 'layout' | 'plan' | 'emit' | 'signal'>): CopyOnDisk {
  let begun: Promise<TransferError | string | undefined> | undefined;
  const sync = async (): Promise<TransferError | string | undefined> => {
    const child = supervise(planSync(layout, plan), { transferId: id, emit, signal });
    // What waits for a disk cannot be killed.
    const outcome = await Promise.race([child.ended, untilAborted(signal)]);
    signal.throwIfAborted();
    return understandSync(outcome, child.lastWords());
  };
  return {
    begin: () => {
      begun = sync();
      begun.catch(() => undefined);
    },
    settle: async () => {
      const startedMs = performance.now();
      // An error of the disk is told to one of them only.
      const early = await begun;
      if (early instanceof TransferError) throw early;
      // What the comparison has removed or renamed is for the second, and all of it where the first was killed.
      const failure = await sync();
      if (failure instanceof TransferError) throw failure;
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
