import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

/** What the lab's own commands may be given beside their arguments. */
export interface RunOptions {
  input?: string;
  timeoutMs?: number;
  environment?: Record<string, string | undefined>;
  cwd?: string;
}

/** A command of the lab's own that failed: its command line, how it ended and its stderr. */
export class CommandFailed extends Error {
  constructor(argv: readonly string[], how: string, stderr: string) {
    super(`${argv.join(' ').slice(0, 300)}: ${how}\n${stderr.trimEnd()}`);
  }
}

/**
 * Runs a program to its end and returns its stdout; rejects with its stderr when it fails.
 * Default time limit 120 s.
 */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const [file, ...rest] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(file!, rest, {
      timeout: options.timeoutMs ?? 120_000,
      killSignal: 'SIGKILL',
      env: { ...process.env, ...options.environment },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    // A program that ends without reading its input is no error here, its exit says enough.
    child.stdin.on('error', () => undefined).end(options.input ?? '');
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(Buffer.concat(stdout).toString());
      else reject(new CommandFailed(argv, signal ?? `exit ${code ?? '?'}`, Buffer.concat(stderr).toString()));
    });
  });
}

/** The same, blocking: what clean-up in an exit or signal handler needs. */
export function runSync(argv: readonly string[], input = ''): string {
  const [file, ...rest] = argv;
  const done = spawnSync(file!, rest, { input, timeout: 60_000, encoding: 'utf8' });
  if (done.error !== undefined) throw done.error;
  if (done.status !== 0)
    throw new CommandFailed(argv, done.signal ?? `exit ${done.status ?? '?'}`, done.stderr);
  return done.stdout;
}

/** Says whether a command succeeds, hiding what it prints. */
export function succeeds(argv: readonly string[]): boolean {
  const [file, ...rest] = argv;
  return spawnSync(file!, rest, { timeout: 10_000 }).status === 0;
}

export interface ProcessFacts {
  pid: number;
  parent: number;
  /** The process group's id. */
  group: number;
  state: string;
  /** Clock ticks since boot; with the pid it names a process for good. */
  startTime: string;
}

/** Facts about a process from /proc, or undefined when it is gone. */
export function processFacts(pid: number): ProcessFacts | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      pid,
      state: fields[0]!,
      parent: Number(fields[1]),
      group: Number(fields[2]),
      startTime: fields[19]!,
    };
  } catch {
    return undefined;
  }
}

/** True while the process runs; a zombie holds nothing any more and counts as gone. */
export function isRunning(pid: number, startTime?: string): boolean {
  const facts = processFacts(pid);
  if (facts === undefined || facts.state === 'Z' || facts.state === 'X') return false;
  return startTime === undefined || facts.startTime === startTime;
}

/** Every process id on this machine. */
export function processIds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Blocks for some milliseconds, for clean-up where nothing asynchronous runs any more. */
export function sleepSync(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
