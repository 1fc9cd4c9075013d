import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { formatAddress } from '../config/address.js';
import { TransferError } from '../errors.js';
import type { EmitEvent, ServerLine } from '../events.js';
import { donate } from '../transfers/donate.js';
import { join } from '../transfers/join.js';
import type { TransferContext } from '../transfers/context.js';
import { parseArguments } from './arguments.js';
import { loadConfig } from './load.js';
import { watchParent } from './parent.js';
import { readRemoteSecret } from './secrets.js';
import { formatServerLine } from './server-lines.js';

/** The surroundings of a script run, handed in by the command line so that tests can hand in their own. */
export interface ScriptSurroundings {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable;
  /** Writes one line to the server, newline included by the callee. */
  readonly writeLine: (line: string) => void;
  readonly emit: EmitEvent;
  /** Aborted with a TransferError when the process is asked to end. */
  readonly signal: AbortSignal;
  readonly version: string;
}

/** Does what the server asked for, in this process; gives the exit status and never throws. */
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
  const { env, emit, version } = surroundings;
  const args = parseArguments(surroundings.argv);
  const { config, warnings } = await loadConfig(args, env);
  const gone = new AbortController();
  const stopWatching = watchParent(args.parentPid, (error) => gone.abort(error));
  const say = (line: ServerLine): void => surroundings.writeLine(formatServerLine(line, args.role));
  const context: TransferContext = {
    id: randomUUID(),
    version,
    say,
    emit,
    signal: AbortSignal.any([surroundings.signal, gone.signal]),
    now: () => new Date(),
    owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    remoteSecret:
      args.role === 'donor' ? (await readRemoteSecret(env, surroundings.stdin))?.secret : undefined,
  };
  emit({
    kind: 'started',
    id: context.id,
    role: args.role,
    version,
    peer: formatAddress(config.address),
    dataDir: config.directories.dataDir.value,
  });
  for (const finding of warnings) emit({ kind: 'finding', finding });
  try {
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

function asTransferError(thrown: unknown): TransferError {
  if (thrown instanceof TransferError) return thrown;
  const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return new TransferError('INTERNAL', text.split('\n').slice(0, 4).join(' '), { cause: thrown });
}
