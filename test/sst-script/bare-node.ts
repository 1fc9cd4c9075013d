import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readLines } from '../../src/processes/lines.js';
import { removeTree } from '../../src/remove-tree.js';
import { runSync } from '../lab/commands.js';

/** The script as it lies in the checkout. */
export const scriptFile = fileURLToPath(new URL('../../../scripts/wsrep_sst_rsync_tunnel', import.meta.url));

/** The server's user: the script runs as it, as it does when a server starts it. */
export const serverUser = {
  uid: Number(runSync(['id', '-u', 'mysql'])),
  gid: Number(runSync(['id', '-g', 'mysql'])),
};

/** Option groups of an option file; a value of null stands for an option without `=`. */
export type Groups = Readonly<Record<string, Readonly<Record<string, string | null>>>>;

export interface RunOptions {
  readonly address?: string | undefined;
  /** Appended to what the server would pass; later ones count. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: 'mysql' | 'root';
  /** A command that runs the script, such as `unshare -m sh -c … sh`. */
  readonly through?: readonly string[];
  readonly dataDir?: string;
  /** Another copy of the script. */
  readonly script?: string;
}

/** A node without a server: data directory, option file, port, and the script run as the server would run it. */
export class BareNode {
  readonly dir: string;
  readonly dataDir: string;
  /** Where the script's private files go. */
  readonly tmpDir: string;
  readonly optionFile: string;
  private readonly runs: ScriptRun[] = [];

  private constructor(readonly port: number) {
    this.dir = mkdtempSync(join(tmpdir(), 'bare-node-'));
    chmodSync(this.dir, 0o755);
    this.dataDir = this.directory('data');
    this.tmpDir = this.directory('tmp');
    this.optionFile = join(this.dir, 'my.cnf');
    this.file('data/ibdata1', 'i'.repeat(5000));
    this.file('data/ib_logfile0', 'l'.repeat(3000));
    this.file('data/grastate.dat', 'seqno: 7\n');
    this.directory('data/shop');
    this.file('data/shop/orders.ibd', 'o'.repeat(70_000));
  }

  static async create(): Promise<BareNode> {
    return new BareNode(await freePort());
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Makes a directory of the server's user below the node's own. */
  directory(path: string): string {
    const full = join(this.dir, path);
    mkdirSync(full, { recursive: true });
    chownSync(full, serverUser.uid, serverUser.gid);
    return full;
  }

  /** Writes a file of the server's user. */
  file(path: string, content: string | Uint8Array, mode = 0o600): string {
    const full = join(this.dir, path);
    writeFileSync(full, content, { mode });
    chownSync(full, serverUser.uid, serverUser.gid);
    return full;
  }

  /** Writes the option file; a later call replaces it. */
  configure(groups: Groups): undefined {
    const lines = Object.entries(groups).flatMap(([group, options]) => [
      `[${group}]`,
      ...Object.entries(options).map(([name, value]) => (value === null ? name : `${name}=${value}`)),
    ]);
    this.writeOptionFile(`# options of a test\n${lines.join('\n')}\n`);
  }

  writeOptionFile(text: string): undefined {
    writeFileSync(this.optionFile, text);
  }

  /** `tcert at /…/my.cnf:4`, as errors show where an option stands. */
  placeOf(option: string): string {
    const lines = readFileSync(this.optionFile, 'utf8').split('\n');
    const index = lines.findIndex((line) => line.split('=')[0] === option);
    return `${option} at ${this.optionFile}:${index + 1}`;
  }

  /** Starts the script. */
  start(role: 'joiner' | 'donor', options: RunOptions = {}): ScriptRun {
    const address =
      options.address ?? (role === 'joiner' ? this.address : `${this.address}/rsync_tunnel_sst`);
    const {
      dataDir = this.dataDir,
      env,
      args = [],
      through = [],
      user = 'mysql',
      script = scriptFile,
    } = options;
    const asUser =
      user === 'root' ? [] : ['setpriv', '--reuid', 'mysql', '--regid', 'mysql', '--clear-groups'];
    const words = [...through, ...asUser, script, '--role', role, '--address', address];
    const rest = ['--datadir', `${dataDir}/`, '--defaults-file', this.optionFile, '--progress', '0'];
    const gtid = role === 'donor' ? ['--gtid', `${stateId}:7`, '--gtid-domain-id', '0'] : [];
    const run = new ScriptRun([...words, ...rest, ...gtid, ...args], { TMPDIR: this.tmpDir, ...env });
    this.runs.push(run);
    return run;
  }

  /** Every file below the data directory with its content's hash: equal before and after when nothing was touched. */
  contents(): string[] {
    return listing(this.dataDir);
  }

  /** What the script left in the directory for its private files. */
  privateFiles(): string[] {
    return readdirSync(this.tmpDir);
  }

  async destroy(): Promise<void> {
    for (const run of this.runs) await run.end();
    // An agent may still be at work on what its script has left.
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    removeTree(this.dir);
  }
}

/** The cluster's id in the states that these tests hand around. */
export const stateId = '6b1d4c6e-0f5a-11ef-9a8b-0242ac120002';

/** The script at work. */
export class ScriptRun {
  readonly pid: number;
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly process: ChildProcess;
  private readonly waiting = new Set<() => void>();
  private hasEnded = false;

  constructor(argv: readonly string[], env: Readonly<Record<string, string>>) {
    const [program, ...args] = argv as [string, ...string[]];
    const path = process.env['PATH'] ?? '';
    // Nothing on stdin, as for a joiner started by systemd.
    this.process = spawn(program, args, {
      env: { PATH: path, ...env },
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.pid = this.process.pid ?? 0;
    readLines(this.process.stdout!, (line) => this.take(this.stdout, line));
    readLines(this.process.stderr!, (line) => this.take(this.stderr, line));
    this.ended = once(this.process, 'close').then(([code, signal]: unknown[]) => {
      this.hasEnded = true;
      for (const look of this.waiting) look();
      return (code ?? signal) as number | NodeJS.Signals;
    });
  }

  /** The first line on either stream that matches; rejects when the script ends without one. */
  async said(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = [...this.stdout, ...this.stderr].find((text) => pattern.test(text));
      if (line !== undefined) return line;
      if (this.hasEnded) throw new Error(`ended without ${String(pattern)}:\n${this.stderr.join('\n')}`);
      await new Promise<void>((resolve) => {
        const look = (): void => {
          this.waiting.delete(look);
          resolve();
        };
        this.waiting.add(look);
      });
    }
  }

  /** The address that a joiner gave with `ready`, taken apart as the donor's server does. */
  async ready(): Promise<{ auth: string; address: string }> {
    const line = await this.said(/^ready /);
    const at = line.lastIndexOf('@');
    return { auth: line.slice('ready '.length, at), address: line.slice(at + 1) };
  }

  /** The transfer's id, with which its processes are marked. */
  transferId(): string | undefined {
    return /transfer (\S+) as /.exec(this.stderr.join('\n'))?.[1];
  }

  errors(): string[] {
    return this.stderr.filter((line) => line.includes('[ERROR]'));
  }

  warnings(): string[] {
    return this.stderr.filter((line) => line.includes('[WARNING]'));
  }

  async end(): Promise<void> {
    if (!this.hasEnded) this.process.kill('SIGKILL');
    await this.ended;
  }

  private take(lines: string[], line: string): void {
    lines.push(line);
    for (const look of this.waiting) look();
  }
}

/** Everything below a directory, with mode, owner and content. */
export function listing(dir: string, prefix = ''): string[] {
  return readdirSync(dir)
    .sort()
    .flatMap((name) => {
      const path = join(dir, name);
      const shown = JSON.stringify(`${prefix}${name}`);
      const stat = lstatSync(path);
      const what = `${shown} ${stat.mode.toString(8)} ${stat.uid}`;
      if (stat.isDirectory()) return [what, ...listing(path, `${prefix}${name}/`)];
      if (stat.isSymbolicLink()) return [`${what} -> ${readlinkSync(path)}`];
      return [`${what} ${stat.mtimeMs} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`];
    });
}

const handedOut = new Set<number>();

/** Below the range that the kernel takes ports for outgoing connections from. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 15_000);
    if (!handedOut.has(port) && (await isFree(port))) {
      handedOut.add(port);
      return port;
    }
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const outcome = Promise.race([
    once(server, 'listening').then(() => true),
    once(server, 'error').then(() => false),
  ]);
  server.listen(port, '0.0.0.0');
  const free = await outcome;
  server.close();
  return free;
}
