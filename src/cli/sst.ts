import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { askAgent, type AskedOutcome } from '../control/client.js';
import { optionVariables } from '../control/messages.js';
import { socketVariable, usualSocketPath } from '../control/socket.js';
import { asTransferError, TransferError } from '../errors.js';
import { createServerLog } from '../observe/server-log.js';
import type { HeartbeatGuard } from '../processes/heartbeat.js';
import { closeServersPipe } from '../processes/inherited.js';
import { parseArguments } from '../sst-script/arguments.js';
import type { ServerArguments } from '../config/server-arguments.js';
import { guardingLock, standstillLimit } from '../sst-script/lock-guard.js';
import { findServer, shellsBetween, watchParent } from '../sst-script/parent.js';
import { readRemoteSecret } from '../sst-script/secrets.js';
import { currentTime, environment, ownUser } from '../surroundings.js';
import { version } from './version.js';
import { writeAtOnce } from './write-at-once.js';

const emit = createServerLog((line) => writeAtOnce(2, line, () => undefined), currentTime);

/**
 * `galera-sst-tunnel sst …`: the server's SST script. The agent does the transfer; where none answers, this process
 * does it. Gives the exit status.
 */
export async function runSst(argv: readonly string[]): Promise<number> {
  closeServersPipe();
  const ending = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
    process.on(name, () => ending.abort(new TransferError('INTERRUPTED', `ended by ${name}`)));
  }
  endOnDefect(ending);
  const gone = (): void =>
    ending.abort(new TransferError('PARENT_GONE', 'the server no longer reads what this script says'));
  const writeLine = (line: string): void => writeAtOnce(1, line, gone);
  const signal = ending.signal;
  const args = readArguments(argv);
  const remoteSecret =
    args?.role === 'donor' ? (await readRemoteSecret(environment, process.stdin))?.secret : undefined;
  if (args !== undefined) {
    const status = await transferByAgent({ argv, args, remoteSecret, writeLine, ending });
    if (status !== undefined) return status;
  }
  // Only now is the code that does transfers loaded: with an agent it is not needed.
  const { loadScript } = await import('./own-transfer.js');
  const { runScript, createRateLimit } = await loadScript();
  return await runScript({
    id: randomUUID(),
    argv,
    env: environment,
    directory: currentDirectory(),
    remoteSecret,
    serverPid: findServer(),
    ownedBy: 'script',
    watchServer: watchParent,
    writeLine,
    emit,
    rate: createRateLimit(),
    signal,
    version,
  });
}

/** How long a transfer has to end by itself after a defect showed, in ms. */
const lastWordsMs = 10_000;

/**
 * What nobody caught is a defect: the transfer is ended as for any other failure, so that its children end, the server's
 * lock is released and one line says why.
 */
function endOnDefect(ending: AbortController): void {
  process.on('uncaughtException', (thrown: unknown) => {
    if (ending.signal.aborted) return;
    const error = asTransferError(thrown);
    setTimeout(() => {
      emit({ kind: 'failed', error });
      // The guards end what was started.
      process.kill(process.pid, 'SIGKILL');
    }, lastWordsMs).unref();
    ending.abort(error);
  });
}

/** The exit status of a transfer that the agent did; undefined when this process has to do it. */
async function transferByAgent(given: {
  readonly argv: readonly string[];
  readonly args: ServerArguments;
  readonly remoteSecret: string | undefined;
  readonly writeLine: (line: string) => void;
  readonly ending: AbortController;
}): Promise<number | undefined> {
  const { argv, args, remoteSecret, writeLine, ending } = given;
  const stopWatching = watchParent(args.parentPid, (error) => ending.abort(error));
  const limitMs = standstillLimit(0);
  const loading = loadOnce(async () => (await import('./own-transfer.js')).loadHeartbeat());
  const startGuard = async (): Promise<HeartbeatGuard> =>
    (await loading()).startHeartbeatGuard(limitMs, shellsBetween());
  const outcome = await askAgent({
    socketPath: environment[socketVariable] ?? usualSocketPath,
    request: {
      argv,
      env: optionEnvironment(),
      directory: currentDirectory(),
      remoteSecret,
      serverPid: findServer(),
    },
    uid: ownUser().uid,
    writeLine: guardingLock(writeLine, startGuard),
    writeLog: (line) => {
      // Long before the lock: reading it takes a moment in which nothing would be relayed.
      if (args.role === 'donor') loading().catch(() => undefined);
      writeAtOnce(2, line, () => undefined);
    },
    lockedSilenceMs: limitMs,
    signal: ending.signal,
  });
  stopWatching();
  switch (outcome.kind) {
    case 'ended':
      return outcome.exitStatus;
    case 'broken':
      await clearUp(args);
      emit({ kind: 'failed', error: outcome.error });
      return outcome.error.exitStatus;
    case 'not taken':
      tellNotTaken(outcome);
      return undefined;
  }
}

function tellNotTaken({ reason, hint }: Extract<AskedOutcome, { kind: 'not taken' }>): void {
  const text = `${reason}: this script does the transfer itself`;
  if (hint === undefined) emit({ kind: 'notice', text });
  else
    emit({
      kind: 'finding',
      finding: { severity: 'warning', code: 'AGENT_UNTRUSTED', message: text, hint },
    });
}

function loadOnce<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => (loaded ??= load());
}

/** What an agent that was killed has left; its guards have ended its children already. */
async function clearUp({ role, direct }: ServerArguments): Promise<void> {
  const dataDir = direct.get('datadir');
  if (dataDir === undefined) return;
  const { loadClearing } = await import('./own-transfer.js');
  const { clearCrashed } = await loadClearing();
  for (let attempt = 0; attempt < 20; attempt++) {
    try {
      const hasCleared = clearCrashed({ dataDir, transferId: randomUUID(), emit });
      const sign = role === 'joiner' ? 'sst_in_progress' : 'tables_flushed';
      if (hasCleared) rmSync(join(dataDir, sign), { force: true });
      return;
    } catch {
      // A process that is being killed closes its connections a moment before it is gone.
      await delay(20);
    }
  }
}

/** What cannot be read is left to the transfer in this process, which says what is wrong. */
function readArguments(argv: readonly string[]): ServerArguments | undefined {
  try {
    return parseArguments(argv);
  } catch {
    return undefined;
  }
}

/** The server starts its script in its data directory. */
function currentDirectory(): string {
  try {
    return process.cwd();
  } catch {
    // It was removed meanwhile.
    return '/';
  }
}

function optionEnvironment(): Record<string, string> {
  const given = optionVariables.map((name) => [name, environment[name]] as const);
  return Object.fromEntries(
    given.filter((entry): entry is [(typeof entry)[0], string] => entry[1] !== undefined),
  );
}
