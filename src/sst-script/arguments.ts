import type { ServerArguments } from '../config/server-arguments.js';
import { nearestName } from '../config/unknown-options.js';
import { TransferError } from '../errors.js';
import { normalizeName } from '../option-files/select.js';

/** Options that the server passes without a value. */
const flags = new Set(['bypass']);

/** Options that are the script's own; all others are settings of the server, kept by name. */
const scriptsOwn = new Set([
  'role',
  'address',
  'parent',
  'bypass',
  'gtid',
  'gtid-domain-id',
  'progress',
  'local-port',
  'socket',
  'host',
  'port',
  'defaults-file',
  'defaults-extra-file',
  'defaults-group-suffix',
]);

/** What else the server passes or its own scripts read (MariaDB 10.11.19, 11.8.6), and what can be said to `plan` in their place. */
const serversOwn = [
  'datadir',
  'innodb-data-home-dir',
  'innodb-data-file-path',
  'innodb-log-group-home-dir',
  'innodb-undo-directory',
  'innodb-buffer-pool-filename',
  'innodb-buffer-pool-size',
  'innodb-force-recovery',
  'aria-log-dir-path',
  'binlog',
  'binlog-index',
  'log-bin',
  'log-bin-index',
  'log-basename',
  'user',
  'password',
];

const knownArguments: readonly string[] = [...serversOwn, ...scriptsOwn];

/** For whoever runs the script by hand. */
const scriptsHint =
  'this script is run by the MariaDB server; what it would do shows galera-sst-tunnel plan, see galera-sst-tunnel plan --help';

/** What the server passes for an option that it has no value for. */
const absent = '';

/**
 * Reads the server's command line for an SST script (MariaDB 10.11.19, 11.8.6): `--name value` or `--name=value`, and
 * after `--mysqld-args` the server's own argv.
 * @param hint for errors
 * @throws TransferError ARGUMENT_INVALID.
 */
export function parseArguments(argv: readonly string[], hint = scriptsHint): ServerArguments {
  const { own, server } = splitArguments(argv, hint);
  const given = new Map(own.map(({ name, value }) => [name, value]));
  const optional = (name: string): string | undefined => {
    const value = given.get(name);
    return value === absent ? undefined : value;
  };
  const role = given.get('role');
  if (role !== 'joiner' && role !== 'donor') {
    throw new TransferError(
      'ARGUMENT_INVALID',
      `--role is ${JSON.stringify(role ?? null)}, expected joiner or donor`,
      { hint },
    );
  }
  const address = given.get('address');
  if (address === undefined || address === '')
    throw new TransferError('ARGUMENT_INVALID', '--address is missing', { hint });
  return {
    role,
    address,
    defaultsFile: optional('defaults-file'),
    defaultsExtraFile: optional('defaults-extra-file'),
    defaultsGroupSuffix: optional('defaults-group-suffix'),
    parentPid: parsePid(optional('parent'), hint),
    bypass: given.has('bypass'),
    gtid: optional('gtid'),
    gtidDomainId: optional('gtid-domain-id'),
    direct: new Map([...given].filter(([name, value]) => !scriptsOwn.has(name) && value !== absent)),
    serverArguments: server,
  };
}

/** Those that no server is known to pass, each with the one that was probably meant. */
export function unknownArguments(
  own: readonly Argument[],
): readonly { readonly name: string; readonly meant: string | undefined }[] {
  return own
    .filter(({ name }) => !knownArguments.includes(name))
    .map(({ name }) => ({ name, meant: meantBy(name) }));
}

/** The one that a name which no server passes was probably meant to be. */
function meantBy(name: string): string | undefined {
  return knownArguments.includes(name) ? undefined : nearestName(name, knownArguments);
}

/** One option of a script's command line, and the words it was given in. */
export interface Argument {
  /** As `normalizeName` gives it. */
  readonly name: string;
  /** `1` for an option without one. */
  readonly value: string;
  readonly words: readonly string[];
}

/**
 * Takes a script's command line apart, in the order in which it is read.
 * @param hint for errors
 * @throws TransferError ARGUMENT_INVALID.
 */
export function splitArguments(
  argv: readonly string[],
  hint = scriptsHint,
): {
  readonly own: readonly Argument[];
  /** What follows `--mysqld-args`. */
  readonly server: readonly string[];
} {
  const found: Argument[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--mysqld-args') return { own: found, server: argv.slice(i + 1) };
    const match = /^--([A-Za-z0-9_-]+)(?:=([\s\S]*))?$/.exec(word);
    if (match?.[1] === undefined) {
      throw new TransferError(
        'ARGUMENT_INVALID',
        `expected an option, got ${JSON.stringify(word.slice(0, 200))}`,
        { hint },
      );
    }
    const name = normalizeName(match[1]);
    if (match[2] !== undefined) found.push({ name, value: match[2], words: [word] });
    else if (flags.has(name)) found.push({ name, value: '1', words: [word] });
    else {
      const value = argv[i + 1];
      if (value === undefined) {
        const meant = meantBy(name);
        const said = `--${name} has no value${meant === undefined ? '' : `; was --${meant} meant?`}`;
        throw new TransferError('ARGUMENT_INVALID', said, { hint });
      }
      found.push({ name, value, words: [word, value] });
      i++;
    }
  }
  return { own: found, server: [] };
}

function parsePid(text: string | undefined, hint: string): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new TransferError('ARGUMENT_INVALID', `--parent is ${JSON.stringify(text)}, expected a process id`, {
    hint,
  });
}
