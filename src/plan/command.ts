import { shellQuote } from '../shell-quote.js';

/** A command as data: what runs, where, and with which variables beyond the fixed environment. */
export interface Command {
  /** For log lines: `listener`, `stream 1`. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Its stdin is given to it later; it is empty otherwise. */
  readonly readsInput?: boolean | undefined;
  /** Whatever else wants the processors has them first, a server's clients above all. */
  readonly givesWay?: boolean | undefined;
  /** Names in `env` whose values are secrets: shown as `$SECRET`. */
  readonly secretEnv?: readonly string[] | undefined;
}

/** The command in one line, ready to be pasted into a shell, with secrets left out. */
export function showCommand(command: Command): string {
  const variables = Object.entries(command.env ?? {}).map(([name, value]) =>
    command.secretEnv?.includes(name) === true ? `${name}="$SECRET"` : `${name}=${shellQuote(value)}`,
  );
  const line = [...variables, ...[command.program, ...command.args].map(shellQuote)].join(' ');
  return command.cwd === undefined ? line : `cd ${shellQuote(command.cwd)} && ${line}`;
}
