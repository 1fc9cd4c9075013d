import { listOf, object, oneOf, optional, text, wholeNumber, type Check } from './schema.js';

/** What a script asks an agent for: a transfer as the server described it. */
export interface TransferRequest {
  /** What the server passed to the script. */
  readonly argv: readonly string[];
  /** The variables that say which option files count. */
  readonly env: Readonly<Partial<Record<OptionVariable, string>>>;
  /** The script's directory, which relative names of files are relative to; `/` if missing. */
  readonly directory?: string | undefined;
  /** Donor: the joiner's secret, in whichever way the server handed it over. */
  readonly remoteSecret?: string | undefined;
  /** Who started the script: the server, or a shell that waits for the script. */
  readonly serverPid?: number | undefined;
}

/** The variables that the search for option files looks at. */
export const optionVariables = [
  'HOME',
  'MARIADB_HOME',
  'MYSQL_HOME',
  'MARIADB_GROUP_SUFFIX',
  'MYSQL_GROUP_SUFFIX',
] as const;

type OptionVariable = (typeof optionVariables)[number];

/** Longest argument and most arguments that the agent takes; a body has its own limit too. */
const word = text(65_536);
const shortWord = optional(text(4096));

export const checkTransferRequest: Check<TransferRequest> = object<TransferRequest>({
  argv: listOf(word, 4096),
  env: object({
    HOME: shortWord,
    MARIADB_HOME: shortWord,
    MYSQL_HOME: shortWord,
    MARIADB_GROUP_SUFFIX: shortWord,
    MYSQL_GROUP_SUFFIX: shortWord,
  }),
  directory: optional(text(4096, { form: /^\//, name: 'an absolute path' })),
  remoteSecret: optional(text(128, { form: /^[0-9a-f]{32,128}$/, name: '32 to 128 hexadecimal digits' })),
  serverPid: optional(wholeNumber(1, 2 ** 31 - 1)),
});

/** Why a transfer is to end; a script says more than an administrator. */
export interface AbortRequest {
  readonly code?: 'INTERRUPTED' | 'PARENT_GONE' | undefined;
  readonly reason?: string | undefined;
}

export const checkAbortRequest: Check<AbortRequest> = object<AbortRequest>({
  code: optional(oneOf(['INTERRUPTED', 'PARENT_GONE'])),
  reason: optional(text(200, { form: /^[^\x00-\x1f\x7f]*$/, name: 'one line of text' })),
});

/** The rate that all streams of a transfer share; 0 lifts the limit. */
export interface ThrottleRequest {
  readonly bytesPerSecond: number;
}

export const checkThrottleRequest: Check<ThrottleRequest> = object<ThrottleRequest>({
  bytesPerSecond: wholeNumber(0, 1e15),
});

/** One line of the answer to a transfer request, in the order in which they come. */
export type TransferLine =
  /** The first one: the agent has taken the transfer on. */
  | { readonly accepted: { readonly id: string; readonly version: string } }
  /** For the server, which reads the script's standard output. */
  | { readonly line: string }
  /** For the server's error log. */
  | { readonly log: string }
  /** The last one: the script's exit status. Without it the agent has died. */
  | { readonly exit: number };

const line: Check<string> = text(65_536);

/** Reads one line of an answer; throws SchemaError. */
export function checkTransferLine(value: unknown): TransferLine {
  const given = object<{
    accepted?: { id: string; version: string };
    line?: string;
    log?: string;
    exit?: number;
  }>({
    accepted: optional(object({ id: text(100), version: text(100) })),
    line: optional(line),
    log: optional(line),
    exit: optional(wholeNumber(0, 255)),
  })(value, '');
  if (given.accepted !== undefined) return { accepted: given.accepted };
  if (given.line !== undefined) return { line: given.line };
  if (given.log !== undefined) return { log: given.log };
  return { exit: given.exit ?? 255 };
}
