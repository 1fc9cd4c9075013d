import { formatAddress } from '../config/address.js';
import { configIn } from '../config/absolute.js';
import { resolveConfig, type Config } from '../config/config.js';
import { asTransferError, type TransferError } from '../errors.js';
import type { EmitEvent, ServerLine } from '../events.js';
import { currentTime, ownUser } from '../surroundings.js';
import { donate } from '../transfers/donate.js';
import { join } from '../transfers/join.js';
import { startHeartbeatGuard } from '../processes/heartbeat.js';
import { identify } from '../processes/proc.js';
import type { RateLimit } from '../processes/rate-limit.js';
import type { TransferContext } from '../transfers/context.js';
import { parseArguments } from './arguments.js';
import { loadSettings } from './load.js';
import { guardingLock, standstillLimit } from './lock-guard.js';
import { shellsBetween } from './parent.js';
import { formatServerLine } from './server-lines.js';

/** The surroundings of a script run: the script's own process, or the agent that does its work. */
export interface ScriptSurroundings {
  /** Unique for every transfer. */
  readonly id: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The directory of the script's process, which relative names of files are relative to. */
  readonly directory: string;
  /** Donor: the joiner's secret, from wherever the server put it. */
  readonly remoteSecret: string | undefined;
  /** Who started the script, the server that is, and which kind of process this is. */
  readonly serverPid: number | undefined;
  readonly ownedBy: 'script' | 'agent';
  /** Watches the server and whom `--parent` names; gives what ends the watching. */
  readonly watchServer: (parentPid: number | undefined, onGone: (error: TransferError) => void) => () => void;
  /** Writes one line to the server, newline included by the callee. */
  readonly writeLine: (line: string) => void;
  readonly emit: EmitEvent;
  /** To be changed while files move; a donor's begins with `rlimit`. */
  readonly rate: RateLimit;
  /** See `TransferContext`. */
  readonly whenAsked?: TransferContext['whenAsked'];
  /** Aborted with a TransferError when the process is asked to end. */
  readonly signal: AbortSignal;
  readonly version: string;
}

/** Does what the server asked for; gives the exit status and never throws. */
export async function runScript(surroundings: ScriptSurroundings): Promise<number> {
  try {
    await transfer(surroundings);
    return 0;
  } catch (thrown) {
    const error = asTransferError(thrown);
    surroundings.emit({ kind: 'failed', error });
    return error.exitStatus;
  }
}

async function transfer(surroundings: ScriptSurroundings): Promise<void> {
  const { id, env, directory, emit, version } = surroundings;
  const args = parseArguments(surroundings.argv);
  const { settings, warnings } = await loadSettings(args, env, directory);
  const warn = (): void => warnings.forEach((finding) => emit({ kind: 'finding', finding }));
  const config = resolveOrElse(warn, () => configIn(directory, resolveConfig(args, settings)));
  const gone = new AbortController();
  const stopWatching = surroundings.watchServer(args.parentPid, (error) => gone.abort(error));
  // With an agent it is the script, which relays the lines, that must not stand still.
  const writeLine =
    surroundings.ownedBy === 'agent'
      ? surroundings.writeLine
      : guardingLock(surroundings.writeLine, () =>
          Promise.resolve(startHeartbeatGuard(standstillLimit(config.idleTimeoutMs), shellsBetween())),
        );
  const say = (line: ServerLine): void => writeLine(formatServerLine(line, args.role));
  const context: TransferContext = {
    id,
    version,
    say,
    emit,
    signal: AbortSignal.any([surroundings.signal, gone.signal]),
    now: currentTime,
    asked: {
      server: surroundings.serverPid === undefined ? undefined : identify(surroundings.serverPid),
      ownedBy: surroundings.ownedBy,
    },
    owner: ownUser(),
    rate: surroundings.rate,
    whenAsked: surroundings.whenAsked,
    remoteSecret: surroundings.remoteSecret,
  };
  emit({
    kind: 'started',
    id,
    role: args.role,
    version,
    address: formatAddress(config.address),
    dataDir: config.directories.dataDir.value,
  });
  warn();
  try {
    // As with the server's own methods `rlimit` is for what this node sends.
    surroundings.rate.set(args.role === 'donor' ? (config.rateLimit ?? 0) : 0);
    if (args.role === 'joiner') await join(config, context);
    else
      await donate(
        config,
        { bypass: args.bypass, state: `${args.gtid ?? ''} ${args.gtidDomainId ?? ''}`.trim() },
        context,
      );
  } finally {
    stopWatching();
  }
}

/** A misspelt option may be why another one is missing: it has to be told before that ends the transfer. */
function resolveOrElse(warn: () => void, resolve: () => Config): Config {
  try {
    return resolve();
  } catch (error) {
    warn();
    throw error;
  }
}
