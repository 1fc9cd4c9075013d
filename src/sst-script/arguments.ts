import type { ServerArguments } from '../config/server-arguments.js';
import { TransferError } from '../errors.js';
import { normalizeName } from '../option-files/select.js';

/** Options that the server passes without a value. */
const flags = new Set(['bypass']);

/** Options that are the script's own; all others are settings of the server, kept by name. */
const own = new Set([
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

/** What the server passes for an option that it has no value for. */
const absent = '';

/**
 * Reads the server's command line for an SST script (MariaDB 10.11.19, 11.8.6): `--name value` or `--name=value`, and
 * after `--mysqld-args` the server's own argv.
 * @throws TransferError ARGUMENT_INVALID.
 */
export function parseArguments(argv: readonly string[]): ServerArguments {
  const { given, serverArguments } = readPairs(argv);
  const optional = (name: string): string | undefined => {
    const value = given.get(name);
    return value === absent ? undefined : value;
  };
  const role = given.get('role');
  if (role !== 'joiner' && role !== 'donor') {
    throw new TransferError(
      'ARGUMENT_INVALID',
      `--role is ${JSON.stringify(role ?? null)}, expected joiner or donor`,
    );
  }
  const address = given.get('address');
  if (address === undefined || address === '')
    throw new TransferError('ARGUMENT_INVALID', '--address is missing');
  return {
    role,
    address,
    defaultsFile: optional('defaults-file'),
    defaultsExtraFile: optional('defaults-extra-file'),
    defaultsGroupSuffix: optional('defaults-group-suffix'),
    parentPid: parsePid(optional('parent')),
    bypass: given.has('bypass'),
    gtid: optional('gtid'),
    gtidDomainId: optional('gtid-domain-id'),
    direct: new Map([...given].filter(([name, value]) => !own.has(name) && value !== absent)),
    serverArguments,
  };
}

function readPairs(argv: readonly string[]): {
  given: Map<string, string>;
  serverArguments: readonly string[];
} {
  const given = new Map<string, string>();
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--mysqld-args') return { given, serverArguments: argv.slice(i + 1) };
    const match = /^--([A-Za-z0-9_-]+)(?:=([\s\S]*))?$/.exec(word);
    if (match?.[1] === undefined) {
      throw new TransferError(
        'ARGUMENT_INVALID',
        `expected an option, got ${JSON.stringify(word.slice(0, 200))}`,
      );
    }
    const name = normalizeName(match[1]);
    if (match[2] !== undefined) given.set(name, match[2]);
    else if (flags.has(name)) given.set(name, '1');
    else {
      const value = argv[i + 1];
      if (value === undefined) throw new TransferError('ARGUMENT_INVALID', `--${name} has no value`);
      given.set(name, value);
      i++;
    }
  }
  return { given, serverArguments: [] };
}

function parsePid(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new TransferError('ARGUMENT_INVALID', `--parent is ${JSON.stringify(text)}, expected a process id`);
}
