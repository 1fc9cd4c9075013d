import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { optionVariables, type TransferRequest } from '../control/messages.js';
import { parseArguments } from '../sst-script/arguments.js';

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

/** Keeps them in the state directory, or only in memory; a file that cannot be read counts as empty. */
export function openRemembered(stateDir: string | undefined): RememberedServers {
  const file = stateDir === undefined ? undefined : join(stateDir, fileName);
  let servers = file === undefined ? [] : readServers(file);
  return {
    list: () => servers.filter(({ dataDir }) => existsSync(dataDir)),
    remember: (server) => {
      const others = servers.filter(({ dataDir }) => dataDir !== server.dataDir);
      const next = [server, ...others].slice(0, most);
      const isNews = JSON.stringify(servers) !== JSON.stringify(next);
      servers = next;
      if (file === undefined || !isNews) return;
      writeFileSync(`${file}.new`, `${JSON.stringify(servers)}\n`, { mode: 0o600 });
      renameSync(`${file}.new`, file);
    },
  };
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

/** Options of one transfer, with their values; `bypass` has none. */
const passing = new Set(['role', 'address', 'parent', 'gtid', 'gtid-domain-id', 'progress']);

function lasting(argv: readonly string[]): string[] {
  const border = argv.indexOf('--mysqld-args');
  const own = border === -1 ? argv : argv.slice(0, border);
  const server = border === -1 ? [] : argv.slice(border);
  const kept: string[] = [];
  for (let at = 0; at < own.length; at += 1) {
    const [, name, value] = /^--([^=]*)(=.*)?$/s.exec(own[at] ?? '') ?? [];
    if (name === 'bypass') continue;
    if (name !== undefined && passing.has(name)) at += value === undefined ? 1 : 0;
    else kept.push(own[at] ?? '');
  }
  return [...kept, ...withoutSecrets(server)];
}

/** `wsrep_sst_auth` and its like can stand on a server's command line. */
function withoutSecrets(argv: readonly string[]): string[] {
  const isSecret = (word: string | undefined): boolean => /^--[^=]*(auth|passw|secret)/i.test(word ?? '');
  return argv.filter((word, index) => {
    const before = argv[index - 1];
    const isValueOfSecret = isSecret(before) && before?.includes('=') === false && !word.startsWith('-');
    return !isSecret(word) && !isValueOfSecret;
  });
}

function readServers(file: string): RememberedServer[] {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return Array.isArray(value) ? value.filter(isServer) : [];
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
    typeof env === 'object' &&
    env !== null
  );
}
