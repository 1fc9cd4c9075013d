import { compareSome, compareWithManifest, type Difference } from '../datadir/compare.js';
import type { FileName } from '../datadir/file-table.js';
import type { Layout } from '../datadir/layout.js';
import type { Manifest } from '../datadir/manifest.js';
import type { Conversation } from './reception.js';

/** Connections that carried so much of what was offered have brought nearly all of it. One in which a file vanished does not count. */
const nearlyAll = 0.95;

/** What a first comparison with the offer has found. */
export interface FoundEarly {
  readonly differences: readonly Difference[];
  /** There was what is no file where one could be. */
  readonly sawOthers: boolean;
}

/** A comparison with the offer, of which nobody knows yet whether it will be of use. */
export interface EarlyComparison {
  readonly offer: Manifest;
  /**
   * What it has found; undefined where it has not begun by now, or could not be made.
   * @param onEntry is told of each file that is still looked at
   */
  found(onEntry: () => void): Promise<FoundEarly | undefined>;
  stop(): void;
}

/**
 * Compares what is there with the offer as soon as nearly all of it has come over connections that have ended, which is while the donor looks at its
 * files and holds its lock. What has changed since the offer, or is sent again, is compared once more at the end; where nearly all are InnoDB's,
 * that is next to nothing.
 * @param bytes what of the offer is to come
 */
export function compareEarly(
  { layout, arrivals, signal }: Pick<Conversation, 'layout' | 'arrivals' | 'signal'>,
  offer: Manifest,
  bytes: number,
): EarlyComparison {
  const over = new AbortController();
  const within = AbortSignal.any([signal, over.signal]);
  let begun: Promise<FoundEarly | undefined> | undefined;
  let tell = (): void => undefined;
  const compare = async (): Promise<FoundEarly | undefined> => {
    let sawOthers = false;
    const onOther = (): void => void (sawOthers = true);
    try {
      const onEntry = (): void => tell();
      const differences = await compareWithManifest(layout, offer, { signal: within, onEntry, onOther });
      return { differences, sawOthers };
    } catch {
      // The comparison at the end will say what is wrong, if it still is.
      return undefined;
    }
  };
  const forget = arrivals.whenArrived(nearlyAll * bytes, () => (begun = compare()));
  return {
    offer,
    found: async (onEntry) => {
      forget();
      tell = onEntry;
      return begun;
    },
    stop: () => {
      forget();
      over.abort(new Error('nobody asks for the comparison any more'));
    },
  };
}

/**
 * Whether the copy is the donor's by what was found early and what has to be looked at since. Only if it is: whatever else is to be done,
 * a comparison of everything will tell.
 * @param changes the donor's last word, which names what is not as it was offered or was sent again
 */
export async function isCompleteSince(
  layout: Layout,
  { differences, sawOthers }: FoundEarly,
  { offer, changes, whole }: Readonly<Record<'offer' | 'changes' | 'whole', Manifest>>,
  options: Parameters<typeof compareSome>[3] = {},
): Promise<boolean> {
  const isOfDirectory = ({ kind }: Difference): boolean => kind.endsWith('directory');
  if (sawOthers || differences.some(isOfDirectory) || !haveSameDirectories(offer, whole)) return false;
  const names = function* (): Generator<FileName, void> {
    yield* differences;
    yield* changes.files;
    yield* changes.gone ?? [];
  };
  try {
    return (await compareSome(layout, whole, names(), options)).length === 0;
  } catch {
    options.signal?.throwIfAborted();
    return false;
  }
}

function haveSameDirectories(one: Manifest, other: Manifest): boolean {
  const directories = new Set(one.directories);
  return (
    directories.size === other.directories.length && other.directories.every((path) => directories.has(path))
  );
}
