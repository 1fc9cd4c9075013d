import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isRunning, processFacts, run, type RunOptions } from './commands.js';
import { ErrorLog } from './error-log.js';
import { limitLink, setLink, type Family, type Network, type Place } from './network.js';
import { inSystem } from './system.js';
import { formatGroups, lastValue, mergeGroups, type OptionGroups } from './option-file.js';
import { parseRows, type Row } from './rows.js';
import { copyData, giveToServer, resolveDirectory, templateFor } from './template.js';

/** How a node's server is to be started: what counts this once, and what its next starts take over. */
export interface NodeOptions extends LastingOptions {
  /** Starts a new cluster (`--wsrep-new-cluster`), also after a crash. */
  bootstrap?: boolean;
  /**
   * What the data directory is to hold before the start: what is there (`keep`), nothing, a fresh system
   * database, or a copy of a data directory. Default: `keep`; a bootstrap without data takes the template.
   */
  data?: 'keep' | 'empty' | 'template' | { copyOf: string };
}

/** How a node's server is to run. What is left out comes from the node's last start, then from the lab's defaults. */
export interface LastingOptions {
  /** Groups of the option file, laid over the lab's own settings; undefined takes a setting away. */
  groups?: OptionGroups;
  /** Text after the groups in the option file. */
  optionText?: string;
  /** Other files beside the option file, by name relative to the node's directory (for `!include`). */
  files?: Record<string, string>;
  /** A root directory with another operating system (scripts/trixie) to run the server in; it is not changed. */
  systemRoot?: string;
  /** Instead of `--defaults-file=<the option file>`. */
  defaultsArguments?: readonly string[];
  /** More arguments on the server's command line. */
  arguments?: readonly string[];
  environment?: Record<string, string>;
  /** Directories before the system's on PATH; default: the checkout's scripts. */
  path?: readonly string[];
  /** Single settings of wsrep_provider_options, over the lab's own. */
  providerOptions?: Record<string, string>;
  /** Becomes `tca`, `tcert` and `tkey` in `[sst]`. */
  certificates?: CertificatePaths;
  /** wsrep_sst_method; default rsync. */
  sstMethod?: string;
  /** wsrep_cluster_address without gcomm://; default: all of the lab's nodes. */
  peers?: readonly string[];
}

export interface CertificatePaths {
  ca?: string;
  cert?: string;
  key?: string;
}

export interface QueryOptions {
  /** Default 60 s. */
  timeoutMs?: number;
  database?: string;
  /** Lets the client run its own commands such as `system`. */
  clientCommands?: boolean;
}

export type Outcome =
  { kind: 'exited'; code: number } | { kind: 'signalled'; signal: string } | { kind: 'gone' };

/** What a lab keeps of a node between two invocations. */
export interface NodeState {
  number: number;
  pid?: number;
  startTime?: string;
  logStart: number;
  options: LastingOptions;
}

/** What a node knows of its lab. */
export interface Surroundings {
  name: string;
  root: string;
  /** Where sockets lie: socket paths are limited to 107 bytes, so not under a root of any length. */
  runDirectory: string;
  family: Family;
  network: Network;
  /** Servers die with this process. False for a lab that outlives it. */
  tethered: boolean;
  /** Where the lab has its own template data directories; undefined where it shares those of all labs. */
  templates: string | undefined;
  defaults: LastingOptions;
  save: () => void;
}

export type NodeStateName = 'Synced' | 'Joined' | 'Donor/Desynced' | 'Initialized' | 'Joining';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));
const systemPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** One MariaDB server with Galera, its files and its place in the network. */
export class LabNode {
  readonly number: number;
  /** `node1`: wsrep_node_name, and the first part of `host`. */
  readonly name: string;
  /** The node's name in the network, `node1.my.cluster`; on loopback its address. */
  readonly host: string;
  readonly ipv4: string;
  readonly ipv6: string | undefined;
  /** The address of the lab's family. */
  readonly address: string;
  readonly namespace: string | undefined;
  readonly directory: string;
  readonly optionFile: string;
  readonly socket: string;
  readonly log: ErrorLog;
  /** How the latest server ended, undefined while it runs. */
  outcome: Outcome | undefined;
  #child: ChildProcess | undefined;
  readonly #state: NodeState;
  readonly #lab: Surroundings;

  constructor(lab: Surroundings, place: Place, state: NodeState) {
    this.#lab = lab;
    this.#state = state;
    this.number = place.number;
    this.name = `node${place.number}`;
    this.host = place.host;
    this.ipv4 = place.ipv4;
    this.ipv6 = place.ipv6;
    this.address = lab.family === 6 ? (place.ipv6 ?? place.ipv4) : place.ipv4;
    this.namespace = place.namespace;
    this.directory = join(lab.root, this.name);
    this.optionFile = join(this.directory, 'my.cnf');
    this.socket = join(lab.runDirectory, `${this.name}.sock`);
    this.log = new ErrorLog(join(this.directory, 'error.log'));
    this.log.start = state.logStart;
  }

  /** Writes the option file, prepares the directories and starts the server; does not wait for it. */
  async start(options: NodeOptions = {}): Promise<void> {
    if (this.isRunning()) throw new Error(`${this.name} already runs`);
    const { bootstrap = false, data = 'keep', ...lasting } = options;
    this.#state.options = { ...this.#lab.defaults, ...this.#state.options, ...lasting };
    this.#prepareFiles();
    await this.#prepareData(data, bootstrap);
    this.#launch(bootstrap);
    this.#lab.save();
  }

  /** The option groups as the next start will write them. */
  groups(): OptionGroups {
    const { options } = this.#state;
    const { ca, cert, key } = options.certificates ?? {};
    const certificates = { tca: ca, tcert: cert, tkey: key };
    const sst: OptionGroups = options.certificates === undefined ? {} : { sst: certificates };
    return mergeGroups(this.#ownGroups(), sst, this.#lab.defaults.groups, options.groups);
  }

  get dataDirectory(): string {
    return lastValue(this.groups()['mysqld'], 'datadir')!.replace(/\/$/, '');
  }

  get pid(): number | undefined {
    return this.#state.pid;
  }

  isRunning(): boolean {
    const { pid, startTime } = this.#state;
    return pid !== undefined && isRunning(pid, startTime);
  }

  /** Waits until Galera says that this node is in a state; rejects with the log's end when the server ends. */
  async waitFor(state: NodeStateName = 'Synced', timeoutMs = 60_000): Promise<void> {
    await this.log.watch(async (text) => {
      this.#assertRunning(`waiting for ${state}`);
      // A joiner's socket exists only after the transfer, so nothing is asked in vain before.
      if (!existsSync(this.socket) || !/ready for connections/.test(text)) return undefined;
      return (await this.wsrepStatus('local_state_comment').catch(() => '')) === state ? true : undefined;
    }, timeoutMs);
  }

  /** Waits for a line of the latest start's log, the transfer script's lines included. */
  async waitForLog(pattern: RegExp, timeoutMs = 60_000): Promise<RegExpExecArray> {
    return this.log.watch((text) => {
      const found = new RegExp(pattern.source, pattern.flags.replace('g', '')).exec(text);
      if (found === null) this.#assertRunning(`waiting for ${String(pattern)}`);
      return found ?? undefined;
    }, timeoutMs);
  }

  /** Waits until the server has ended by itself or otherwise. */
  async waitForExit(timeoutMs = 60_000): Promise<Outcome> {
    return this.log.watch(() => {
      if (this.isRunning()) return undefined;
      return this.outcome ?? (this.#child === undefined ? { kind: 'gone' as const } : undefined);
    }, timeoutMs);
  }

  /** The server's log since its latest start. */
  errorLog(): string {
    return this.log.current();
  }

  /** Runs one statement as root over the unix socket; NULL becomes null. */
  async query(sql: string, options: QueryOptions = {}): Promise<Row[]> {
    return parseRows(await this.sql(sql, options));
  }

  /** Runs statements (with DELIMITER where needed) and returns the client's tab-separated output. */
  async sql(text: string, options: QueryOptions = {}): Promise<string> {
    const argv = ['mariadb', '--no-defaults', `--socket=${this.socket}`, '--batch', '--user=root'];
    // Through its socket, whatever certificate it has: newer clients would look at that first (11.8.9).
    argv.push('--default-character-set=utf8mb4', '--skip-ssl');
    if (!(options.clientCommands ?? false)) argv.push('--binary-mode');
    if (options.database !== undefined) argv.push(`--database=${options.database}`);
    return run(argv, { input: text, timeoutMs: options.timeoutMs ?? 60_000 });
  }

  /** A status variable of Galera, named without `wsrep_`. */
  async wsrepStatus(name: string): Promise<string | undefined> {
    const rows = await this.query(`SHOW GLOBAL STATUS LIKE 'wsrep_${name}'`);
    return rows[0]?.['Value'] ?? undefined;
  }

  /** Shuts the server down and waits; kills it after `timeoutMs`. */
  async stop(timeoutMs = 60_000): Promise<void> {
    await this.#end('SIGTERM', timeoutMs);
  }

  /** Kills the server as a power cut would; its SST script, if any, is on its own then. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL', 10_000);
  }

  /** Sends the server a signal, for instance SIGSTOP. */
  signal(signal: NodeJS.Signals): void {
    if (this.isRunning()) process.kill(this.#state.pid!, signal);
  }

  /** Runs a command where the node lives (its addresses, its hosts file), as root or as the server's user. */
  async exec(
    argv: readonly string[],
    options: RunOptions & { user?: 'root' | 'mysql' } = {},
  ): Promise<string> {
    return run(this.wrap(argv, options.user), {
      ...options,
      environment: this.environment(options.environment),
    });
  }

  /** Starts a command where the node lives and leaves it running. It is killed with the lab. */
  spawn(argv: readonly string[], options: SpawnOptions & { user?: 'root' | 'mysql' } = {}): ChildProcess {
    const [file, ...rest] = this.wrap(argv, options.user);
    const environment = { ...this.environment(), ...options.env };
    return spawn(file!, rest, { ...options, env: environment });
  }

  /** A command line that runs another one where the node lives, as a user; it dies with this process. */
  wrap(argv: readonly string[], user: 'root' | 'mysql' = 'root', systemRoot?: string): string[] {
    const shared = [this.#lab.root, this.#lab.runDirectory, checkout];
    const system = systemRoot === undefined ? [] : inSystem(systemRoot, shared);
    const inside = this.namespace === undefined ? [] : ['ip', 'netns', 'exec', this.namespace];
    const identity = user === 'root' ? [] : ['--reuid', 'mysql', '--regid', 'mysql', '--init-groups'];
    const tether = this.#lab.tethered ? ['--pdeathsig', 'KILL'] : [];
    const setpriv = identity.length + tether.length > 0 ? ['setpriv', ...identity, ...tether, '--'] : [];
    return [...inside, ...system, ...setpriv, ...argv];
  }

  /** What the server and everything it starts see; GST_LAB marks them as this lab's. */
  environment(more: Record<string, string | undefined> = {}): Record<string, string> {
    const { path, environment } = this.#state.options;
    // The node that runs the tests comes first: `scripts/with-node 24` is to reach the servers' scripts, too.
    const folders = [...(path ?? [join(checkout, 'scripts')]), dirname(process.execPath), ...systemPath];
    const all: Record<string, string | undefined> = {
      PATH: folders.join(':'),
      LANG: 'C.UTF-8',
      ...environment,
      ...more,
      GST_LAB: this.#lab.name,
    };
    return Object.fromEntries(
      Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined),
    );
  }

  /** Makes a directory that the server may write to. */
  makeDirectory(folder: string): string {
    const path = isAbsolute(folder) ? folder : join(this.directory, folder);
    mkdirSync(path, { recursive: true });
    giveToServer(path);
    return path;
  }

  /** Copies a stopped node's data directory (all in one directory) to where a later start can copy it from. */
  saveData(folder: string): void {
    if (this.isRunning()) throw new Error(`${this.name} still runs`);
    rmSync(folder, { recursive: true, force: true });
    copyData(this.dataDirectory, folder, {});
    for (const name of ['grastate.dat', 'gvwstate.dat', 'galera.cache'])
      rmSync(join(folder, name), { force: true });
  }

  /** Pulls the node's cable. */
  cutLink(): void {
    setLink(this.#lab.network, this.number, 'down');
  }

  restoreLink(): void {
    setLink(this.#lab.network, this.number, 'up');
  }

  /** Slows the node's cable in both directions; undefined lifts the limit. */
  limitLink(mbitPerSecond: number | undefined): void {
    limitLink(this.#lab.network, this.number, mbitPerSecond);
  }

  #ownGroups(): OptionGroups {
    const { name, address, number } = this;
    const { network, family } = this.#lab;
    const { options } = this.#state;
    const bracketed = (ip: string): string => (ip.includes(':') ? `[${ip}]` : ip);
    const peers = network.places.map((p) => bracketed((family === 6 ? p.ipv6 : undefined) ?? p.ipv4));
    const anywhere = this.namespace === undefined ? address : family === 6 ? '[::]' : '0.0.0.0';
    const provider = { 'gcache.size': '32M', 'gmcast.listen_addr': `tcp://${anywhere}:4567` };
    const providerOptions = Object.entries({ ...provider, ...options.providerOptions });
    return {
      mysqld: {
        user: 'mysql',
        datadir: join(this.directory, 'data'),
        tmpdir: join(this.directory, 'tmp'),
        socket: this.socket,
        pid_file: join(this.directory, 'server.pid'),
        server_id: number,
        port: 3306,
        bind_address: address,
        skip_name_resolve: true,
        performance_schema: 'OFF',
        character_set_server: 'utf8mb4',
        innodb_buffer_pool_size: '64M',
        innodb_log_file_size: '48M',
        innodb_flush_log_at_trx_commit: 0,
        binlog_format: 'ROW',
        default_storage_engine: 'InnoDB',
        innodb_autoinc_lock_mode: 2,
        wsrep_on: 'ON',
        wsrep_provider: '/usr/lib/galera/libgalera_smm.so',
        wsrep_provider_options: providerOptions.map(([key, value]) => `${key}=${value}`).join(';'),
        wsrep_cluster_name: this.#lab.name,
        wsrep_cluster_address: `gcomm://${(options.peers ?? peers).join(',')}`,
        wsrep_node_name: name,
        wsrep_node_address: bracketed(address),
        wsrep_sst_method: options.sstMethod ?? 'rsync',
        // From 11.4 on, a method other than rsync without this gets an account with all privileges.
        wsrep_sst_auth: 'unused:unused',
      },
    };
  }

  #prepareFiles(): void {
    mkdirSync(this.directory, { recursive: true });
    giveToServer(this.directory);
    const { files, optionText } = this.#state.options;
    for (const [name, text] of Object.entries({
      ...files,
      'my.cnf': formatGroups(this.groups()) + (optionText ?? ''),
    })) {
      const file = join(this.directory, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }

  async #prepareData(data: NonNullable<NodeOptions['data']>, bootstrap: boolean): Promise<void> {
    const mysqld = this.groups()['mysqld'] ?? {};
    const folder = this.dataDirectory;
    const hasData = existsSync(join(folder, 'mysql'));
    if (data !== 'keep') this.#emptyDirectories();
    if (data === 'template' || (data === 'keep' && bootstrap && !hasData)) {
      copyData(await templateFor(mysqld, this.#lab.templates), folder, mysqld);
    } else if (typeof data === 'object') copyData(data.copyOf, folder, mysqld);
    for (const made of this.#configuredDirectories()) this.makeDirectory(made);
    if (bootstrap) allowBootstrap(join(folder, 'grastate.dat'));
  }

  /** Every directory that the options name, to be made for the server. */
  #configuredDirectories(): string[] {
    const mysqld = this.groups()['mysqld'] ?? {};
    const homes = [
      'innodb_data_home_dir',
      'innodb_log_group_home_dir',
      'innodb_undo_directory',
      'aria_log_dir_path',
    ];
    const folders = [...homes, 'innodb_tmpdir', 'tmpdir'].map((name) => lastValue(mysqld, name));
    const logs = ['log_bin', 'log_bin_index', 'relay_log'].map((name) => lastValue(mysqld, name));
    return [
      this.dataDirectory,
      ...folders.filter((folder) => folder !== undefined && folder !== ''),
      ...logs.filter((file) => file?.includes('/')).map((file) => dirname(file!)),
    ].map((folder) => resolveDirectory(folder, this.dataDirectory));
  }

  #emptyDirectories(): void {
    for (const folder of this.#configuredDirectories()) rmSync(folder, { recursive: true, force: true });
  }

  #launch(bootstrap: boolean): void {
    const { options } = this.#state;
    const defaults = options.defaultsArguments ?? [`--defaults-file=${this.optionFile}`];
    const server = ['mariadbd', ...defaults, ...(options.arguments ?? [])];
    if (bootstrap) server.push('--wsrep-new-cluster');
    const [file, ...rest] = this.wrap(server, 'mysql', options.systemRoot);
    rmSync(this.socket, { force: true });
    this.log.markStart();
    const output = openSync(this.log.file, 'a', 0o644);
    try {
      const child = spawn(file!, rest, {
        stdio: ['ignore', output, output],
        detached: true,
        cwd: this.directory,
        env: this.environment(),
      });
      child.unref();
      this.#remember(child);
    } finally {
      closeSync(output);
    }
  }

  #remember(child: ChildProcess): void {
    this.#child = child;
    this.outcome = undefined;
    child.once('exit', (code, signal) => {
      if (this.#child !== child) return;
      this.outcome = signal === null ? { kind: 'exited', code: code ?? -1 } : { kind: 'signalled', signal };
    });
    child.once('error', (error) => this.#noteFailure(error));
    const state = this.#state;
    state.logStart = this.log.start;
    delete state.pid;
    delete state.startTime;
    if (child.pid === undefined) return;
    state.pid = child.pid;
    const facts = processFacts(child.pid);
    if (facts !== undefined) state.startTime = facts.startTime;
  }

  #noteFailure(error: Error): void {
    writeFileSync(this.log.file, `${error.message}\n`, { flag: 'a' });
  }

  #assertRunning(doing: string): void {
    if (this.isRunning()) return;
    throw new Error(
      `${this.name}'s server ended while ${doing} (${JSON.stringify(this.outcome ?? { kind: 'gone' })})`,
    );
  }

  async #end(signal: NodeJS.Signals, timeoutMs: number): Promise<void> {
    if (!this.isRunning()) return;
    this.signal(signal);
    // A stopped process would not see SIGTERM.
    this.signal('SIGCONT');
    try {
      await this.waitForExit(timeoutMs);
    } catch (error) {
      if (signal === 'SIGKILL') throw error;
      await this.#end('SIGKILL', 10_000);
    }
    delete this.#state.pid;
    this.#lab.save();
  }
}

/** After a crash Galera refuses to bootstrap from a node unless this file allows it. */
function allowBootstrap(grastate: string): void {
  if (!existsSync(grastate)) return;
  const text = readFileSync(grastate, 'utf8');
  writeFileSync(grastate, text.replace(/^safe_to_bootstrap:.*$/m, 'safe_to_bootstrap: 1'));
}
