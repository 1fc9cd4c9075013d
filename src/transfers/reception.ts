import type { Config } from '../config/config.js';
import type { Layout } from '../datadir/layout.js';
import type { JoinerPlan } from '../plan/joiner.js';
import type { Tools } from '../processes/tools.js';
import type { TransferContext } from './context.js';
import type { FollowedLog } from './daemon-log.js';
import type { FileStamps } from './original-donor.js';
import type { Arrivals } from './arrivals.js';
import type { CopyOnDisk } from './on-disk.js';
import type { Outbox } from './outbox.js';
import type { PartialCopy } from './partial-copy.js';

/** A joiner that has checked itself and is about to listen. */
export interface Reception extends TransferContext {
  readonly plan: JoinerPlan;
  readonly layout: Layout;
  readonly tools: Tools;
  readonly partial: PartialCopy;
  readonly disk: CopyOnDisk;
}

/** A donor is there: what its messages and files are read with. */
export interface Conversation extends Reception {
  readonly config: Config;
  readonly daemonLog: FollowedLog;
  readonly arrivals: Arrivals;
  /** The modules that donors have begun to write to. */
  readonly written: ReadonlySet<string>;
  /** The daemon's processes that serve, or have served, a donor that was let in. */
  readonly donorProcesses: ReadonlySet<number>;
  readonly ownFiles: FileStamps;
  readonly outbox: Outbox;
  /** Since when donors could come, ms since 1970. */
  readonly startedMs: number;
  /** Resolves when the donor begins to read the verdict. */
  readonly verdictRead: Promise<void>;
}
