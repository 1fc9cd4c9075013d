import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readLines } from '../../src/processes/lines.js';
import { serverUser } from '../sst-script/bare-node.js';

const program = fileURLToPath(new URL('../../bin/galera-sst-tunnel.js', import.meta.url));

/** As in systemd/galera-sst-tunnel.service. */
const unitEnvironment = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: '131072',
  NODE_OPTIONS: '--max-semi-space-size=2',
};

/** What an agent holds at one moment. */
export interface Holdings {
  /** Resident, in MiB. */
  readonly memoryMiB: number;
  readonly descriptors: number;
  readonly threads: number;
  /** Its own children. */
  readonly children: number;
  /** Files in its state directory and its directory for temporary files. */
  readonly files: number;
  /** Their sizes together, in KiB. */
  readonly fileKiB: number;
}

/** An agent in a process of its own, run by the servers' user as its unit runs it. */
export class AgentProcess {
  private constructor(
    readonly dir: string,
    private readonly child: ChildProcess,
    private readonly exited: Promise<unknown>,
  ) {}

  static async start(): Promise<AgentProcess> {
    const dir = mkdtempSync(join(tmpdir(), 'endurance-'));
    chownSync(dir, serverUser.uid, serverUser.gid);
    const asUser = ['--reuid', 'mysql', '--regid', 'mysql', '--clear-groups'];
    const words = ['agent', '--socket', join(dir, 'agent.sock'), '--state-dir', join(dir, 'state')];
    const child = spawn('setpriv', [...asUser, process.execPath, program, ...words], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', TMPDIR: dir, ...unitEnvironment },
    });
    const exited = once(child, 'exit');
    await new Promise<void>((resolve, reject) => {
      readLines(child.stderr, (line) => {
        if (line.includes('agent ready')) resolve();
      });
      void exited.then(() => reject(new Error('the agent has ended')));
    });
    return new AgentProcess(dir, child, exited);
  }

  get socket(): string {
    return join(this.dir, 'agent.sock');
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Once the guards and sweepers of what has ended are gone; they have 5 s. */
  async holdings(): Promise<Holdings> {
    let now = this.#holdings();
    for (let round = 0; now.children > 0 && round < 100; round++) {
      await wait(50);
      now = this.#holdings();
    }
    return now;
  }

  #holdings(): Holdings {
    const proc = `/proc/${this.child.pid ?? 0}`;
    const status = readFileSync(`${proc}/status`, 'utf8');
    const numberOf = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? NaN);
    const files = filesBelow(this.dir);
    return {
      memoryMiB: numberOf('VmRSS') / 1024,
      descriptors: readdirSync(`${proc}/fd`).length,
      threads: numberOf('Threads'),
      children: readFileSync(`${proc}/task/${this.child.pid ?? 0}/children`, 'utf8')
        .split(' ')
        .filter(Boolean).length,
      files: files.length,
      fileKiB: files.reduce((sum, size) => sum + size, 0) / 1024,
    };
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    await this.exited;
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The sizes of all regular files below a directory; the agent may just be removing some. */
function filesBelow(dir: string): number[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    const size = entry.isFile() ? statSync(path, { throwIfNoEntry: false })?.size : undefined;
    return size === undefined ? [] : [size];
  });
}
