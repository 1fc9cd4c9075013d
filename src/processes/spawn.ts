import { execa } from 'execa';
import type { Readable, Writable } from 'node:stream';
import type { ChildOutcome } from '../events.js';
import type { Command } from '../plan/command.js';
import { environment } from '../surroundings.js';
import { marksOf } from './marks.js';
import { giveWayAsSession } from './session-weight.js';

/**
 * Starts the command as leader of a process group of its own and beside it, in the same group, a guard that waits for
 * the end of a pipe that only this process holds. However this process ends, the pipe ends, and the guard kills the
 * whole group, also what socat forked for its connections; `setpriv --pdeathsig` would reach the first process only.
 * The guard outlives the SIGTERM that asks the group to end: the command may take its time, or ignore it. The guard
 * inherits that trap, since a signal may come before it has got to run.
 * Everything in the group runs under SCHED_BATCH where that is allowed: socat and rsync hand each other 16 KiB at a
 * time, and without it each such turn preempts the one who spoke (a copy of 1 GiB in two streams on two cores took
 * 0.86 of the CPU time; socat 1.7.4.4, rsync 3.5.0, Linux 6.18). What gives way has a lower priority (its nice value is the first
 * argument): a client that wrote every 5 ms was held up for more than 50 ms half as often during a copy on the same two processors.
 * The shell is given a constant script: the command's words are its arguments, it never parses them.
 */
const guarded =
  'trap "" TERM; { read -r _ <&3; kill -KILL 0; } >/dev/null 2>&1 & trap - TERM; { chrt -b -p 0 $$; [ "$1" = 0 ] || renice -n "$1" -p $$; } >/dev/null 2>&1; shift; exec "$@" 3<&-';

/** The nice value of what gives way: where something else of the same control group wants all of the processors, that gets nine tenths. */
const givingWay = '10';

/** A running command with its process group. */
export interface Child {
  readonly pid: number | undefined;
  /** Only of a command that reads input. */
  readonly stdin: Writable | undefined;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the command itself has ended and all it wrote was read; never rejects. */
  readonly ended: Promise<ChildOutcome>;
  /** Asks the whole group to end. */
  terminate(): void;
  /** Ends the whole group at once. */
  kill(): void;
}

/** Runs a command under guard; `marker` is the transfer's id. */
export function spawnGuarded(command: Command, marker: string): Child {
  const nice = command.givesWay === true ? givingWay : '0';
  const subprocess = execa('/bin/sh', ['-c', guarded, 'sh', nice, command.program, ...command.args], {
    cwd: command.cwd ?? '/',
    env: { ...childEnvironment(), ...command.env, ...marksOf(marker) },
    extendEnv: false,
    detached: true,
    buffer: false,
    reject: false,
    cleanup: false,
    stdio: [command.readsInput === true ? 'pipe' : 'ignore', 'pipe', 'pipe', 'pipe'],
  });
  const lifeline = subprocess.stdio[3] as unknown as Writable | undefined;
  lifeline?.on('error', () => undefined);
  // A child that ends before it has read all is told of by its end.
  subprocess.stdin?.on('error', () => undefined);
  let isGone = false;
  if (command.givesWay === true && subprocess.pid !== undefined)
    giveWayAsSession(subprocess.pid, givingWay, () => isGone);
  const signal = (name: NodeJS.Signals): void => {
    if (subprocess.pid === undefined || isGone) return;
    try {
      process.kill(-subprocess.pid, name);
    } catch {
      // ESRCH: the group is gone already.
    }
  };
  subprocess.once('exit', () => {
    signal('SIGKILL');
    // The guard kept the group's number from being given away until now; from here on it may be somebody else's.
    isGone = true;
    lifeline?.destroy();
  });
  return {
    pid: subprocess.pid,
    stdin: subprocess.stdin ?? undefined,
    stdout: subprocess.stdout,
    stderr: subprocess.stderr,
    ended: subprocess.then((result): ChildOutcome => {
      if (result.signal !== undefined) return { kind: 'signalled', signal: result.signal };
      if (result.exitCode !== undefined) return { kind: 'exited', code: result.exitCode };
      return {
        kind: 'failed to start',
        cause: result.cause instanceof Error ? result.cause : new Error(String(result.cause)),
      };
    }),
    terminate: () => signal('SIGTERM'),
    kill: () => {
      signal('SIGKILL');
      lifeline?.destroy();
    },
  };
}

/** A shell that goes on when this process does not. */
export interface Aside {
  /** Writes what it reads. */
  say(text: string): void;
  /** Has what it waits for end, as if this process had. */
  letGo(): void;
  /** Ends it at once. */
  kill(): void;
}

/**
 * Runs a shell that outlives this process and reads from descriptor 3 what only this process writes. It has a process group and a
 * session of its own, and keeps this process from ending by nothing.
 * @param script constant: the words are its arguments
 */
export function runAside(
  script: string,
  words: readonly string[],
  marks: Readonly<Record<string, string>>,
): Aside {
  const subprocess = execa('/bin/sh', ['-c', script, 'sh', ...words], {
    cwd: '/',
    env: { ...childEnvironment(), ...marks },
    extendEnv: false,
    detached: true,
    buffer: false,
    reject: false,
    cleanup: false,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const lifeline = subprocess.stdio[3] as unknown as (Writable & { unref?: () => void }) | undefined;
  lifeline?.on('error', () => undefined);
  lifeline?.unref?.();
  subprocess.unref();
  return {
    say: (text) => void lifeline?.write(text),
    letGo: () => void lifeline?.destroy(),
    kill: () => {
      subprocess.kill('SIGKILL');
      lifeline?.destroy();
    },
  };
}

/**
 * Runs a short command to its end and gives what it printed on both streams; for `--version` and the like.
 * @param given.env beside what all children inherit
 * @param given.input for its stdin, which is empty otherwise
 */
export async function runBriefly(
  program: string,
  args: readonly string[],
  timeoutMs: number,
  given: { readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
): Promise<{ outcome: ChildOutcome; output: string }> {
  const result = await execa(program, args, {
    env: { ...childEnvironment(), ...given.env },
    extendEnv: false,
    reject: false,
    all: true,
    ...(given.input === undefined ? { stdin: 'ignore' } : { input: given.input }),
    timeout: timeoutMs,
  });
  const output = result.all;
  if (result.signal !== undefined) return { outcome: { kind: 'signalled', signal: result.signal }, output };
  if (result.exitCode !== undefined) return { outcome: { kind: 'exited', code: result.exitCode }, output };
  const cause = result.cause instanceof Error ? result.cause : new Error('could not be started');
  return { outcome: { kind: 'failed to start', cause }, output: '' };
}

/**
 * Runs a program in this one's place, with its environment, input and output; gives its exit status. What a terminal sends reaches both,
 * and what somebody sends to this process alone is passed on.
 */
export async function runInPlace(program: string, args: readonly string[]): Promise<number> {
  const subprocess = execa(program, args, { stdio: 'inherit', reject: false });
  process.on('SIGINT', () => undefined);
  for (const name of ['SIGTERM', 'SIGHUP'] as const) process.on(name, () => subprocess.kill(name));
  const { exitCode, signal, cause } = await subprocess;
  if (exitCode === undefined && signal === undefined) throw cause;
  return exitCode ?? 255;
}

/** Where children's programs are looked for, one directory after the other. */
export function searchPath(): string {
  const path = environment['PATH'] ?? '';
  const standard = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  return path === '' ? standard : `${path}:${standard}`;
}

/**
 * What children inherit: the path and OpenSSL's configuration. Not the server's secrets (`WSREP_SST_OPT_AUTH`), not
 * `RSYNC_*` or `SOCAT_*` that would change what a command does, and messages in English, since some are read.
 */
function childEnvironment(): Record<string, string> {
  const openssl = environment['OPENSSL_CONF'];
  return {
    PATH: searchPath(),
    LC_ALL: 'C',
    ...(openssl === undefined ? {} : { OPENSSL_CONF: openssl }),
  };
}
