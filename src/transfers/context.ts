import type { Manifest } from '../datadir/manifest.js';
import type { EmitEvent, ServerLine } from '../events.js';
import type { Holder } from '../processes/holder.js';
import type { RateLimit } from '../processes/rate-limit.js';

/** What a transfer is given beside its configuration: its surroundings, so that tests can hand in their own. */
export interface TransferContext {
  /** Unique for every transfer; marks its processes and files. */
  readonly id: string;
  /** This program's version. */
  readonly version: string;
  /** Speaks to the server. */
  readonly say: (line: ServerLine) => void;
  readonly emit: EmitEvent;
  /** Aborted with a TransferError as reason when the transfer has to end. */
  readonly signal: AbortSignal;
  readonly now: () => Date;
  /** The server that has asked, and who does it for it; undefined where nobody waits for the transfer. */
  readonly asked?: Pick<Holder, 'server' | 'ownedBy'> | undefined;
  /** User and group of this process. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Takes what counts anew when somebody asks how far the transfer is; gives what ends it. */
  readonly whenAsked?: ((count: () => void) => () => void) | undefined;
  /** What all streams share, sent or received. */
  readonly rate?: RateLimit | undefined;
  /** Donor: the secret that the joiner put into its address; undefined for one that runs the original script. */
  readonly remoteSecret?: string | undefined;
  /** Joiner that only rehearses: is told what the donor offers, and nothing is locked, sent or changed. */
  readonly offerOnly?: ((offer: Manifest) => void) | undefined;
}
