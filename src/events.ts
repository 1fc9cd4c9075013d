import type { Finding, TransferError } from './errors.js';

/** The stations of a transfer, in order; a bypass (IST) skips those that move data. */
export type Phase =
  | 'checking'
  | 'waiting for donor'
  | 'handshake'
  | 'offering'
  | 'waiting for lock'
  | 'copying'
  | 'finishing'
  | 'verifying'
  | 'done';

/** How a child process ended. */
export type ChildOutcome =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signalled'; readonly signal: string }
  | { readonly kind: 'failed to start'; readonly cause: Error };

/** One of several rsync processes that move a transfer's files at the same time. */
export interface StreamProgress {
  readonly name: string;
  readonly doneBytes: number;
  /** Unknown to a joiner, whose donor deals out the files. */
  readonly totalBytes?: number | undefined;
  /** The process that reads (donor) or writes (joiner) the files; undefined when it has ended. */
  readonly pid?: number | undefined;
}

/** Everything that can happen in a transfer. Secrets are in none of them. */
export type TransferEvent =
  | {
      readonly kind: 'started';
      readonly id: string;
      readonly role: 'joiner' | 'donor';
      readonly version: string;
      /** As Galera hands it to the donor: where the joiner listens. */
      readonly address: string;
      /** Absolute; a data directory has one transfer at a time. */
      readonly dataDir: string;
    }
  | { readonly kind: 'phase'; readonly phase: Phase }
  /** Joiner: who has come, by the name in its certificate and where it comes from. */
  | { readonly kind: 'donor'; readonly peer: string }
  | { readonly kind: 'notice'; readonly text: string }
  | { readonly kind: 'finding'; readonly finding: Finding }
  /** A command as it runs, quoted for a shell. */
  | { readonly kind: 'command'; readonly name: string; readonly shell: string }
  | { readonly kind: 'child output'; readonly name: string; readonly line: string }
  | { readonly kind: 'child ended'; readonly name: string; readonly outcome: ChildOutcome }
  /** Once a second while files move: bytes of file contents that have passed, of those expected. */
  | {
      readonly kind: 'progress';
      readonly doneBytes: number;
      readonly totalBytes: number;
      readonly streams: readonly StreamProgress[];
    }
  | { readonly kind: 'lock'; readonly held: boolean }
  | {
      readonly kind: 'finished';
      readonly bypass: boolean;
      readonly bytes: number;
      readonly files: number;
      /** From the offer of the files to the proof that the copy is complete. */
      readonly seconds: number;
      /** Donor: how long its server held its global read lock. */
      readonly lockSeconds?: number | undefined;
      /** Joiner: the same, as its donor told. */
      readonly donorLockSeconds?: number | undefined;
    }
  | { readonly kind: 'failed'; readonly error: TransferError };

/** Takes every event of a transfer; must not throw. */
export type EmitEvent = (event: TransferEvent) => void;

/** Lines that the server understands, see sst-script/server-lines.ts. */
export type ServerLine =
  | { readonly kind: 'ready'; readonly address: string }
  | { readonly kind: 'total'; readonly bytes: number }
  | { readonly kind: 'complete'; readonly bytes: number }
  | { readonly kind: 'flush tables' }
  | { readonly kind: 'continue' }
  | { readonly kind: 'done'; readonly state: string }
  | { readonly kind: 'result'; readonly state: string };
