import { resolve } from 'node:path';
import { receiveAddress } from '../config/receive-address.js';
import { resolveConfig, type Config } from '../config/config.js';
import { configIn } from '../config/absolute.js';
import type { ServerArguments } from '../config/server-arguments.js';
import { find, type Settings } from '../config/settings.js';
import type { Sourced } from '../config/source.js';
import { TransferError, type Finding } from '../errors.js';
import { searchPath } from '../option-files/search-path.js';
import { parseArguments } from '../sst-script/arguments.js';
import { loadSettings } from '../sst-script/load.js';
import type { NodeConfig } from '../transfers/check-node.js';
import type { RememberedServer } from './remembered.js';

/** How a server of this host is started: what its configuration can be found with. */
export interface GivenServer {
  /** As an administrator knows it: `--defaults-file=/etc/mysql/node2.cnf`, or a data directory. */
  readonly name: string;
  /** As its script would be told, without role and address. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute; relative names of files are relative to it. */
  readonly directory: string;
  /** What donors connect to; default: as the server would find it. */
  readonly address?: string | undefined;
}

/** What a server would use for its next transfer. */
export interface ServerConfig {
  readonly node: NodeConfig;
  readonly warnings: readonly Finding[];
}

/** What came of reading a server's option files, and where they are or would be. */
export interface LoadedServer {
  readonly result: ServerConfig | TransferError;
  readonly places: readonly string[];
  /** Of what the option files say, also when it cannot be used. */
  readonly warnings: readonly Finding[];
  /** Undefined when the option files could not be read. */
  readonly settings?: Settings | undefined;
}

/** The data directory that MariaDB's packages have when no option names one. */
const usualDataDir = '/var/lib/mysql';

/**
 * Reads a word of `--server`: an option file, or the options that the server is started with (`--defaults-file=…`,
 * `--defaults-group-suffix=…`, `--datadir=…`).
 * @throws TransferError ARGUMENT_INVALID.
 */
export function readServerOption(text: string): GivenServer {
  const words = text.trim().split(/\s+/);
  const argv = text.trim().startsWith('--') ? words : ['--defaults-file', text.trim()];
  argumentsOf(argv);
  return { name: text.trim(), argv, env: {}, directory: process.cwd() };
}

/** A server that this agent has done a transfer for. */
export function asGiven({ dataDir, argv, env, directory }: RememberedServer): GivenServer {
  return { name: dataDir, argv, env, directory };
}

/** The server that the system's own option files describe. */
export const systemServer: GivenServer = { name: 'my.cnf', argv: [], env: {}, directory: '/' };

/** Reads a server's option files, as its script would; an error is what a transfer would fail with at once. */
export async function loadServer(given: GivenServer): Promise<LoadedServer> {
  let places: readonly string[] = [];
  let settings: Settings | undefined;
  let warnings: readonly Finding[] = [];
  try {
    const args = argumentsOf(given.argv);
    places = placesFor(given, args);
    const found = await loadSettings(args, given.env, given.directory);
    ({ places, warnings } = found);
    settings = withDataDir(found.settings);
    return { result: { node: resolveServer(given, settings), warnings }, places, warnings, settings };
  } catch (error) {
    if (error instanceof TransferError)
      return { result: error, places: [...places, ...placesIn(error)], warnings, settings };
    throw error;
  }
}

/** What a server's settings come to in its two roles. @throws TransferError */
export function resolveServer(given: GivenServer, settings: Settings): NodeConfig {
  const args = argumentsOf(given.argv);
  const { value: address, source } = addressOf(given, settings);
  const configOf = (role: 'joiner' | 'donor'): Config => {
    // Whom it would serve as a donor is not known, and does not matter.
    const config = resolveConfig({ ...args, role, address }, settings, source);
    // The server goes to its data directory before it starts a script.
    return configIn(resolve(given.directory, config.directories.dataDir.value), config);
  };
  return { joiner: configOf('joiner'), donor: configOf('donor') };
}

function addressOf({ address }: GivenServer, settings: Settings): Sourced<string> {
  return address === undefined
    ? receiveAddress(settings)
    : { value: address, source: { kind: 'command line', name: '--address' } };
}

/** The option files themselves; what they include is not known when one of them cannot be read. */
function placesFor({ env, directory }: GivenServer, args: ServerArguments): string[] {
  const { defaultsFile, defaultsExtraFile } = args;
  const home = env['HOME'] ?? directory;
  return searchPath({ defaultsFile, defaultsExtraFile, env }).map(({ file }) =>
    resolve(directory, file.replace(/^~\//, `${home}/`)),
  );
}

/** The file that an error names, so that its repair is noticed. */
function placesIn({ where }: TransferError): string[] {
  const file = where?.replace(/:\d+$/, '');
  return file?.startsWith('/') === true ? [file] : [];
}

/** Whether the system's option files are meant for this method at all: the agent may be installed long before. */
export async function isSystemServerMeant(): Promise<boolean> {
  try {
    const { settings } = await loadSettings(argumentsOf([]), {}, '/');
    const method = find(settings, 'wsrep-sst-method', ['[mysqld]'])?.value;
    return method === 'rsync_tunnel' || find(settings, 'tcert', ['[sst]']) !== undefined;
  } catch (error) {
    if (!(error instanceof TransferError)) throw error;
    // A server does not start with these either.
    return true;
  }
}

/** The arguments of a server as its script would be told; @throws TransferError ARGUMENT_INVALID. */
export function argumentsOf(argv: readonly string[]): ServerArguments {
  return parseArguments(['--role', 'joiner', '--address', 'localhost', ...argv]);
}

function withDataDir(settings: Settings): Settings {
  const given = find(settings, 'datadir', ['direct', 'server arguments', '[mysqld]']);
  if (given !== undefined && given.value !== '') return settings;
  return { ...settings, direct: new Map(settings.direct).set('datadir', usualDataDir) };
}
