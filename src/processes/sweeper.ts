import { marksOf } from './marks.js';
import { runAside } from './spawn.js';

/** What waits for the end of this process. */
export interface Sweeper {
  /** Nothing is left to be removed. */
  dismiss(): void;
}

/** What a sweeper is to remove. */
export interface Sweepings {
  readonly transferId: string;
  /** A directory of the transfer alone. */
  readonly dir: string;
  /** Where others put their files, too: they go as long as the claim there is the transfer's. */
  readonly claimed?: { readonly claimFile: string; readonly files: readonly string[] } | undefined;
}

/**
 * Starts a shell that removes what this process has left when it has ended. It ignores what asks it to end; the marker makes it known
 * as a leftover of the transfer, should the next one be quicker. A claim goes last: as long as it is there the next transfer cleans
 * up itself.
 */
export function startSweeper({ transferId, dir, claimed }: Sweepings): Sweeper {
  const words = [transferId, dir, claimed?.claimFile ?? '', ...(claimed?.files ?? [])];
  const shell = runAside(sweeping, words, marksOf(transferId));
  return { dismiss: () => shell.kill() };
}

const sweeping =
  'trap "" TERM INT HUP QUIT; read -r _ <&3; id=$1 claim=$3; rm -rf -- "$2"; shift 3; [ -n "$claim" ] || exit; ' +
  'case $(cat -- "$claim") in *"\\"$id\\""*) rm -f -- "$@"; rm -f -- "$claim" ;; esac';
