import { lookup, normalizeName } from '../option-files/select.js';
import type { OptionEntry } from '../option-files/entry.js';
import type { ServerArguments } from './server-arguments.js';
import type { Sourced } from './source.js';
import type { SstOption } from './sst-options.js';

/** The places in which an option is looked up, in order: the first that has it wins. */
export type Scope = 'direct' | 'server arguments' | '[sst]' | '[mysqld]';

/** Every setting that was given, with the lookup that finds the one that counts. */
export interface Settings {
  readonly direct: ReadonlyMap<string, string>;
  readonly serverArguments: ReadonlyMap<string, string | undefined>;
  readonly sst: readonly OptionEntry[];
  readonly mysqld: readonly OptionEntry[];
}

/** Puts the script's arguments, the server's command line and the option files side by side. */
export function gatherSettings(
  args: ServerArguments,
  sst: readonly OptionEntry[],
  mysqld: readonly OptionEntry[],
): Settings {
  return { direct: args.direct, serverArguments: readServerArguments(args.serverArguments), sst, mysqld };
}

/**
 * The value of an option from the first scope that has it. An option without `=` has the empty string,
 * which is what the server's own scripts see too. In `[sst]` only those of the table in sst-options.ts are looked for:
 * all others are warned about.
 */
export function find(
  settings: Settings,
  name: SstOption,
  scopes: readonly Scope[],
): Sourced<string> | undefined;
export function find(
  settings: Settings,
  name: string,
  scopes: readonly Exclude<Scope, '[sst]'>[],
): Sourced<string> | undefined;
export function find(
  settings: Settings,
  name: string,
  scopes: readonly Scope[],
): Sourced<string> | undefined {
  for (const scope of scopes) {
    const found = findIn(settings, name, scope);
    if (found !== undefined) return found;
  }
  return undefined;
}

function findIn(settings: Settings, name: string, scope: Scope): Sourced<string> | undefined {
  switch (scope) {
    case 'direct':
      return fromMap(settings.direct, name);
    case 'server arguments':
      return fromMap(settings.serverArguments, name);
    case '[sst]':
      return fromEntries(settings.sst, name);
    case '[mysqld]':
      return fromEntries(settings.mysqld, name);
  }
}

function fromMap(map: ReadonlyMap<string, string | undefined>, name: string): Sourced<string> | undefined {
  if (!map.has(name)) return undefined;
  return { value: map.get(name) ?? '', source: { kind: 'command line', name: `--${name}` } };
}

function fromEntries(entries: readonly OptionEntry[], name: string): Sourced<string> | undefined {
  const entry = lookup(entries, name);
  if (entry === undefined) return undefined;
  const { file, line, group } = entry;
  return { value: entry.value ?? '', source: { kind: 'file', file, line, group, name: entry.name } };
}

/**
 * Reads a server command line: `--name=value`, `--name value` (only for an argument that does not begin with a
 * dash) and `--name`. The last one wins, as in the server.
 */
export function readServerArguments(argv: readonly string[]): Map<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  for (let i = 0; i < argv.length; i++) {
    const match = /^--([^=]+)(?:=([\s\S]*))?$/.exec(argv[i] ?? '');
    if (match?.[1] === undefined) continue;
    const name = normalizeName(match[1]);
    const next = argv[i + 1];
    if (match[2] !== undefined) found.set(name, match[2]);
    else if (next !== undefined && next !== '' && !next.startsWith('-')) {
      found.set(name, next);
      i++;
    } else found.set(name, undefined);
  }
  return found;
}
