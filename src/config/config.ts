import { availableParallelism } from 'node:os';
import { asTransferError, TransferError } from '../errors.js';
import { parseAddress, type PeerAddress } from './address.js';
import type { DirectorySettings } from './directories.js';
import type { ServerArguments } from './server-arguments.js';
import { resolveServerFiles, tunnelFilesOf } from './server-files.js';
import { find, type Scope, type Settings } from './settings.js';
import { placeOf, type Source, type Sourced } from './source.js';
import type { SstOption } from './sst-options.js';
import { resolveTls, type TlsSettings } from './tls.js';

/** What rsync can compress a stream with, fast enough for tables. */
export const compressors = ['zstd', 'lz4'] as const;
export type Compressor = (typeof compressors)[number];

/** Everything a transfer is told, resolved and typed; what it finds on disk and network is not in here. */
export interface Config {
  readonly role: 'joiner' | 'donor';
  readonly address: PeerAddress;
  /** Where the address was set, if an option of this node did it; a server hands it to its script without saying so. */
  readonly addressBy?: Source | undefined;
  /** `bind_address` values that name an interface; wildcards are left out. */
  readonly bindAddresses: readonly Sourced<string>[];
  readonly tls: TlsSettings;
  readonly directories: DirectorySettings;
  /** Where private files are kept during a transfer; undefined: the system's temporary directory. */
  readonly tmpDir?: Sourced<string> | undefined;
  /** Number of rsync streams, at least 1. */
  readonly streams: number;
  /** Donor: most passes over the files while the server writes; `auto` decides by what there is to send. */
  readonly precopy: 'auto' | number;
  /** Donor: what rsync compresses with on the way; `auto` measures the link and the data. */
  readonly compressor: 'none' | 'auto' | Compressor;
  /** Binary logs to send: 0 none, negative all. */
  readonly maxBinlogs: number;
  /** Donor: bytes per second that all streams share; undefined for no limit. */
  readonly rateLimit?: number | undefined;
  /** Joiner: accept a donor that runs the original script, which sends no secret. */
  readonly allowDonorWithoutSecret: boolean;
  /** How long a joiner waits for its donor, in ms; 0 without limit. */
  readonly initialTimeoutMs: number;
  /** Where that was set. */
  readonly initialTimeoutBy?: Source | undefined;
  /** Donor: how long it may take to reach the joiner and shake hands, in ms; 0 without limit. */
  readonly connectTimeoutMs: number;
  /** How long a transfer may take in all, in ms; 0 without limit. */
  readonly overallTimeoutMs: number;
  /** Where that was set. */
  readonly overallTimeoutBy?: Source | undefined;
  /** What proves that a copy is complete: names and sizes, or contents too. */
  readonly verify: 'size' | 'checksum';
  /** Joiner: whether the tables that it receives leave its page cache as they come. */
  readonly pageCache: 'drop' | 'keep';
  /** Whether socat is to leave encryption to the kernel where that can do it. */
  readonly ktls: boolean;
  /** How long a transfer may stand still, in ms; 0 without limit. */
  readonly idleTimeoutMs: number;
  /** Where that was set. */
  readonly idleTimeoutBy?: Source | undefined;
  /** Where the settings that are not kept with their source were set; those that have their default are not in it. */
  readonly sources: Partial<Readonly<Record<SstOption, Source>>>;
}

const everywhere = ['direct', 'server arguments', '[mysqld]'] as const;
const transfer: readonly Scope[] = ['[sst]', '[mysqld]'];

/**
 * Resolves the configuration of one transfer; throws `TransferError` with option and place.
 * @param addressBy what `args.address` comes from, when not from the server
 */
export function resolveConfig(args: ServerArguments, settings: Settings, addressBy?: Source): Config {
  const initialTimeout = find(settings, 'sst-initial-timeout', transfer);
  const idleTimeout = find(settings, 'sst-idle-timeout', transfer);
  const overallTimeout = find(settings, 'sst-overall-timeout', transfer);
  const withoutSecret = find(settings, 'allow-donor-without-secret', ['[sst]']);
  const allowDonorWithoutSecret = flag(withoutSecret, 'allow-donor-without-secret');
  const tls = resolveTls(settings, args.role);
  if (args.role === 'joiner' && allowDonorWithoutSecret) requireVerifiedDonor(tls, withoutSecret);
  return {
    role: args.role,
    address: readAddress(args.address, addressBy),
    ...(addressBy?.kind === 'file' ? { addressBy } : {}),
    bindAddresses: resolveBindAddresses(settings),
    tls,
    directories: resolveDirectories(settings, tls),
    tmpDir: find(settings, 'tmpdir', ['[sst]']),
    streams:
      wholeNumber(find(settings, 'backup-threads', transfer), 'backup-threads', { least: 1, most: 64 }) ??
      Math.min(availableParallelism(), 8),
    precopy: passes(find(settings, 'precopy', ['[sst]'])),
    compressor: oneOf(
      find(settings, 'compressor', ['[sst]']),
      'compressor',
      ['auto', 'none', ...compressors],
      ofMariabackup,
    ),
    maxBinlogs:
      wholeNumber(find(settings, 'sst-max-binlogs', transfer), 'sst-max-binlogs', { least: -1, most: 1e6 }) ??
      1,
    rateLimit: bytes(find(settings, 'rlimit', ['[sst]']), 'rlimit'),
    allowDonorWithoutSecret,
    initialTimeoutMs: limitMs(initialTimeout, 'sst-initial-timeout', 300),
    initialTimeoutBy: initialTimeout?.source,
    connectTimeoutMs: limitMs(find(settings, 'sst-connect-timeout', transfer), 'sst-connect-timeout', 10),
    overallTimeoutMs: limitMs(overallTimeout, 'sst-overall-timeout', 0),
    overallTimeoutBy: overallTimeout?.source,
    verify: oneOf(find(settings, 'verify', ['[sst]']), 'verify', ['size', 'checksum']),
    pageCache: oneOf(find(settings, 'page-cache', ['[sst]']), 'page-cache', ['drop', 'keep']),
    ktls: flag(find(settings, 'ktls', ['[sst]']), 'ktls'),
    idleTimeoutMs: limitMs(idleTimeout, 'sst-idle-timeout', 120),
    idleTimeoutBy: idleTimeout?.source,
    sources: sourcesOf(settings),
  };
}

function readAddress(text: string, by: Source | undefined): PeerAddress {
  if (by === undefined || by.name === '--address') return parseAddress(text, '--address');
  try {
    return parseAddress(text, by.name);
  } catch (cause) {
    const { code, message, hint } = asTransferError(cause);
    throw new TransferError(code, message, { cause, hint, option: by.name, where: placeOf(by) });
  }
}

/** A donor proves itself by its certificate or by the secret: without either anybody could fill the data directory. */
function requireVerifiedDonor(
  { mode, verificationOffBy }: TlsSettings,
  by: Sourced<string> | undefined,
): void {
  if (mode !== 'REQUIRED') return;
  const place = verificationOffBy === undefined ? '' : ` at ${placeOf(verificationOffBy.source)}`;
  const off = `${verificationOffBy?.source.name ?? 'ssl-mode'}=${verificationOffBy?.value ?? mode}${place}`;
  throw new TransferError(
    'OPTION_INVALID',
    `allow-donor-without-secret lets in donors by their certificate alone, and ${off} has nobody's certificate verified: anybody on the network could write into the data directory`,
    {
      option: 'allow-donor-without-secret',
      where: by === undefined ? undefined : placeOf(by.source),
      hint: 'verify peers while donors run the original script (ssl-mode=VERIFY_CA and tca), or remove allow-donor-without-secret; galera-sst-tunnel check tells what is still wrong',
    },
  );
}

const inherited = [
  'ssl-mode',
  'backup-threads',
  'sst-max-binlogs',
  'sst-initial-timeout',
  'sst-idle-timeout',
  'sst-connect-timeout',
  'sst-overall-timeout',
] as const;
const own = [
  'precopy',
  'compressor',
  'rlimit',
  'verify',
  'page-cache',
  'ktls',
  'allow-donor-without-secret',
] as const;

function sourcesOf(settings: Settings): Config['sources'] {
  const found = inherited.map((name) => [name, find(settings, name, transfer)?.source] as const);
  const ownFound = own.map((name) => [name, find(settings, name, ['[sst]'])?.source] as const);
  return Object.fromEntries([...found, ...ownFound].filter(([, source]) => source !== undefined));
}

const wildcards = new Set(['', '*', '0.0.0.0', '::', '[::]', '::0']);

function resolveBindAddresses(settings: Settings): readonly Sourced<string>[] {
  const given = find(settings, 'bind-address', ['server arguments', '[mysqld]']);
  if (given === undefined) return [];
  return given.value
    .split(',')
    .map((address) => address.trim())
    .filter((address) => !wildcards.has(address))
    .map((value) => ({ value, source: given.source }));
}

function resolveDirectories(settings: Settings, tls: TlsSettings): DirectorySettings {
  const dataDir = find(settings, 'datadir', everywhere);
  if (dataDir === undefined || dataDir.value === '') {
    throw new TransferError('OPTION_MISSING', 'no data directory was given', {
      option: 'datadir',
      hint: 'the server passes --datadir; by hand, name it or set datadir in [mysqld]',
    });
  }
  return {
    dataDir: { ...dataDir, value: dataDir.value.replace(/(?<=.)\/+$/, '') },
    innodbDataHomeDir: find(settings, 'innodb-data-home-dir', everywhere),
    innodbDataFilePath: find(settings, 'innodb-data-file-path', everywhere),
    innodbLogGroupHomeDir: find(settings, 'innodb-log-group-home-dir', everywhere),
    innodbUndoDirectory: find(settings, 'innodb-undo-directory', everywhere),
    ariaLogDirPath: find(settings, 'aria-log-dir-path', everywhere),
    innodbBufferPoolFilename: find(settings, 'innodb-buffer-pool-filename', everywhere),
    logBin: resolveLogBin(settings),
    logBinIndex: find(settings, 'binlog-index', ['direct']) ?? find(settings, 'log-bin-index', everywhere),
    logBasename: find(settings, 'log-basename', everywhere),
    serverFiles: [...resolveServerFiles(settings), ...tunnelFilesOf(tls)],
  };
}

/** The server tells its script the name; by hand (`plan`) it comes from where the server would have it from. */
function resolveLogBin(settings: Settings): Sourced<string> | undefined {
  const direct = find(settings, 'binlog', ['direct']);
  if (direct !== undefined) return direct;
  for (const scope of ['server arguments', '[mysqld]'] as const) {
    const isOff = ['skip-log-bin', 'disable-log-bin'].some(
      (name) => find(settings, name, [scope]) !== undefined,
    );
    if (isOff) return undefined;
    const given = find(settings, 'log-bin', [scope]);
    if (given !== undefined) return given;
  }
  return undefined;
}

function wholeNumber(
  given: Sourced<string> | undefined,
  name: string,
  range: { least: number; most: number },
): number | undefined {
  if (given === undefined || given.value === '') return undefined;
  const value = /^-?\d+$/.test(given.value) ? Number(given.value) : Number.NaN;
  if (value >= range.least && value <= range.most) return value;
  throw new TransferError(
    'OPTION_INVALID',
    `${name} is ${JSON.stringify(given.value)}, expected a whole number from ${range.least} to ${range.most}`,
    {
      option: name,
      where: placeOf(given.source),
    },
  );
}

/** Time limits are given in seconds. */
function limitMs(given: Sourced<string> | undefined, name: string, usualSeconds: number): number {
  return 1000 * (wholeNumber(given, name, { least: 0, most: 1e6 }) ?? usualSeconds);
}

/** One of several words; the first of them where nothing is set. */
function oneOf<T extends string>(
  given: Sourced<string> | undefined,
  name: SstOption,
  words: readonly [T, ...T[]],
  hint?: string,
): T {
  const value = given?.value.toLowerCase() ?? '';
  if (value === '') return words[0];
  const known = words.find((word) => word === value);
  if (known !== undefined) return known;
  throw new TransferError(
    'OPTION_INVALID',
    `${name} is ${JSON.stringify(given?.value)}, expected ${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`,
    { option: name, where: given === undefined ? undefined : placeOf(given.source), hint },
  );
}

/** For mariabackup the option of this name is a command line, `pigz -4` for instance: what else it says is not guessed at. */
const ofMariabackup =
  'this method has rsync compress; a command for mariabackup belongs to nodes that use mariabackup; my_print_defaults sst mysqld shows what is set';

/** As for `pv -L`, which the server's own methods hand it to: bytes, or KiB, MiB, GiB, TiB with k, m, g, t. */
function bytes(given: Sourced<string> | undefined, name: string): number | undefined {
  if (given === undefined || given.value === '') return undefined;
  const match = /^(\d{1,12})([kmgt]?)$/i.exec(given.value);
  if (match?.[1] !== undefined) {
    const power = ['', 'k', 'm', 'g', 't'].indexOf((match[2] ?? '').toLowerCase());
    const value = Number(match[1]) * 1024 ** power;
    if (value <= 1e15) return value;
  }
  throw new TransferError(
    'OPTION_INVALID',
    `${name} is ${JSON.stringify(given.value)}, expected bytes per second, with k, m, g or t for KiB, MiB, GiB or TiB`,
    { option: name, where: placeOf(given.source) },
  );
}

function passes(given: Sourced<string> | undefined): 'auto' | number {
  if (given === undefined || /^(auto|)$/i.test(given.value)) return 'auto';
  if (/^off$/i.test(given.value)) return 0;
  if (/^\d{1,3}$/.test(given.value)) return Number(given.value);
  throw new TransferError(
    'OPTION_INVALID',
    `precopy is ${JSON.stringify(given.value)}, expected auto, off or the most passes before the lock (1 to 999)`,
    { option: 'precopy', where: placeOf(given.source) },
  );
}

function flag(given: Sourced<string> | undefined, name: string): boolean {
  if (given === undefined) return false;
  if (/^(1|on|true|yes|)$/i.test(given.value)) return true;
  if (/^(0|off|false|no)$/i.test(given.value)) return false;
  throw new TransferError('OPTION_INVALID', `${name} is ${JSON.stringify(given.value)}, expected ON or OFF`, {
    option: name,
    where: placeOf(given.source),
  });
}
