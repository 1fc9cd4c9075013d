import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { optionVariables, type TransferRequest } from '../control/messages.js';
import { parseArguments, splitArguments } from '../sst-script/arguments.js';
import { argumentsOf } from './servers.js';

/** How a server was started that has asked for a transfer; nothing secret is in it. */
export interface RememberedServer {
  readonly dataDir: string;
  /** As its script was told, without role, address and what holds for one transfer only. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
}

/** The servers of this host that have asked for a transfer, by data directory. */
export interface RememberedServers {
  /** Those whose data directory is still there. */
  list(): readonly RememberedServer[];
  remember(server: RememberedServer): void;
}

const fileName = 'servers.json';
const most = 64;
/** A server's own options rarely need a thousand. */
const mostBytes = 262_144;
const mostBytesOfOne = 65_536;

/** Keeps them in the state directory, or only in memory; a file that cannot be read counts as empty, and so does a part of it. */
export function openRemembered(stateDir: string | undefined): RememberedServers {
  const file = stateDir === undefined ? undefined : join(stateDir, fileName);
  let servers: readonly RememberedServer[] = file === undefined ? [] : readServers(file);
  return {
    list: () => servers.filter(({ dataDir }) => existsSync(dataDir)),
    remember: (server) => {
      const others = servers.filter(({ dataDir }) => dataDir !== server.dataDir);
      if (bytesOf(server) > mostBytesOfOne) return;
      const next = newest([server, ...others]);
      const isNews = JSON.stringify(servers) !== JSON.stringify(next);
      servers = next;
      if (file === undefined || !isNews) return;
      writeFileSync(`${file}.new`, `${JSON.stringify(servers)}\n`, { mode: 0o600 });
      renameSync(`${file}.new`, file);
    },
  };
}

/** As many as fit, the first ones first. */
function newest(servers: readonly RememberedServer[]): readonly RememberedServer[] {
  let bytes = 0;
  return servers.slice(0, most).filter((server) => (bytes += bytesOf(server)) <= mostBytes);
}

function bytesOf(server: RememberedServer): number {
  return Buffer.byteLength(JSON.stringify(server)) + 1;
}

/** What to remember of a request; undefined for one that does not say which data directory it is for. */
export function rememberable({ argv, env, directory = '/' }: TransferRequest): RememberedServer | undefined {
  try {
    const { direct } = parseArguments(argv);
    const dataDir = direct.get('datadir');
    if (dataDir === undefined) return undefined;
    return {
      dataDir: resolve(directory, dataDir),
      argv: lasting(argv),
      env: Object.fromEntries(
        optionVariables.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
      ),
      directory,
    };
  } catch {
    return undefined;
  }
}

/** Options of one transfer. */
const passing = new Set([...['role', 'address', 'parent', 'bypass', 'gtid', 'gtid-domain-id', 'progress']]);

/** Read as the script reads them: a value may look like an option. */
function lasting(argv: readonly string[]): string[] {
  const { own, server } = splitArguments(argv);
  const kept = own.filter(({ name }) => !passing.has(name) && !isSecret(`--${name}`));
  return [
    ...kept.flatMap(({ words }) => words),
    ...(server.length === 0 ? [] : ['--mysqld-args', ...withoutSecrets(server)]),
  ];
}

/** `wsrep_sst_auth` and its like can stand on a server's command line. */
function withoutSecrets(argv: readonly string[]): string[] {
  return argv.filter((word, index) => {
    const before = argv[index - 1];
    const isValueOfSecret = isSecret(before) && before?.includes('=') === false && !word.startsWith('-');
    return !isSecret(word) && !isValueOfSecret;
  });
}

function isSecret(word: string | undefined): boolean {
  return /^--[^=]*(auth|passw|secret)/i.test(word ?? '');
}

function readServers(file: string): readonly RememberedServer[] {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return Array.isArray(value) ? newest(value.filter(isServer)) : [];
  } catch {
    return [];
  }
}

function isServer(value: unknown): value is RememberedServer {
  if (typeof value !== 'object' || value === null) return false;
  const { dataDir, argv, env, directory } = value as Partial<Record<keyof RememberedServer, unknown>>;
  return (
    typeof dataDir === 'string' &&
    typeof directory === 'string' &&
    directory.startsWith('/') &&
    Array.isArray(argv) &&
    argv.every((word) => typeof word === 'string') &&
    isReadable(argv) &&
    typeof env === 'object' &&
    env !== null &&
    Object.values(env).every((word) => typeof word === 'string')
  );
}

function isReadable(argv: readonly string[]): boolean {
  try {
    argumentsOf(argv);
    return true;
  } catch {
    return false;
  }
}
