import { readFileSync, readdirSync } from 'node:fs';
import { execa, execaSync } from 'execa';

/** What the lab's own commands may be given beside their arguments. */
export interface RunOptions {
  input?: string;
  timeoutMs?: number;
  environment?: Record<string, string | undefined>;
  cwd?: string;
}

/**
 * Runs a program to its end and returns its stdout; rejects with its stderr when it fails.
 * Default time limit 120 s.
 */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const [file, ...rest] = argv;
  const result = await execa(file!, rest, {
    input: options.input ?? '',
    timeout: options.timeoutMs ?? 120_000,
    env: options.environment ?? {},
    stripFinalNewline: false,
    maxBuffer: 1 << 28,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  return result.stdout;
}

/** The same, blocking: what clean-up in an exit or signal handler needs. */
export function runSync(argv: readonly string[], input = ''): string {
  const [file, ...rest] = argv;
  return execaSync(file!, rest, { input, timeout: 60_000, stripFinalNewline: false }).stdout;
}

/** Says whether a command succeeds, hiding what it prints. */
export function succeeds(argv: readonly string[]): boolean {
  const [file, ...rest] = argv;
  return execaSync(file!, rest, { reject: false, timeout: 10_000 }).exitCode === 0;
}

export interface ProcessFacts {
  pid: number;
  parent: number;
  state: string;
  /** Clock ticks since boot; with the pid it names a process for good. */
  startTime: string;
}

/** Facts about a process from /proc, or undefined when it is gone. */
export function processFacts(pid: number): ProcessFacts | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid, state: fields[0]!, parent: Number(fields[1]), startTime: fields[19]! };
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
