import type { TransferRecord } from '../observe/recorder.js';
import type { TransferStatus } from '../observe/status.js';
import type { CheckedServer } from '../transfers/check-node.js';

/** What the agent says of itself and of what it does. */
export interface AgentStatus {
  readonly version: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Those that run, and for each server the last one since the agent started. */
  readonly transfers: readonly TransferStatus[];
  /** The latest self-check of each server. */
  readonly checks: readonly CheckedServer[];
}

/** What the commands ask of the agent. Every method throws a TransferError when the agent is not there or refuses. */
export interface AgentClient {
  status(): Promise<AgentStatus>;
  /** Newest first. */
  history(): Promise<readonly TransferStatus[]>;
  /** By id or its unambiguous beginning. */
  show(id: string): Promise<TransferRecord>;
  /** Gives what the transfer was when it was asked to end. */
  abort(id: string): Promise<TransferStatus>;
  /** @param bytesPerSecond 0 for no limit */
  throttle(id: string, bytesPerSecond: number): Promise<TransferStatus>;
}
