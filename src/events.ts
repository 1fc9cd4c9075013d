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

/** Everything that can happen in a transfer. Secrets are in none of them. */
export type TransferEvent =
  | {
      readonly kind: 'started';
      readonly id: string;
      readonly role: 'joiner' | 'donor';
      readonly version: string;
      readonly peer: string;
      /** Absolute; a data directory has one transfer at a time. */
      readonly dataDir?: string | undefined;
    }
  | { readonly kind: 'phase'; readonly phase: Phase }
  | { readonly kind: 'notice'; readonly text: string }
  | { readonly kind: 'finding'; readonly finding: Finding }
  /** A command as it runs, quoted for a shell. */
  | { readonly kind: 'command'; readonly name: string; readonly shell: string }
  | { readonly kind: 'child output'; readonly name: string; readonly line: string }
  | { readonly kind: 'child ended'; readonly name: string; readonly outcome: ChildOutcome }
  /** Bytes of data that have passed, of those expected; both count file contents. */
  | { readonly kind: 'progress'; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly kind: 'lock'; readonly held: boolean }
  | {
      readonly kind: 'finished';
      readonly bypass: boolean;
      readonly bytes: number;
      readonly files: number;
      readonly seconds: number;
      readonly lockSeconds: number;
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
