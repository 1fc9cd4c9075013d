import { Agent, type IncomingMessage } from 'node:http';
import { TransferError } from '../errors.js';
import { endsLock } from '../sst-script/lock-guard.js';
import { exchange } from './exchange.js';
import { checkTransferLine, type AbortRequest, type TransferLine, type TransferRequest } from './messages.js';
import { watchPulse } from './pulse.js';
import { judgeSocket } from './socket.js';

/** How long an agent may take to show that it is there; after that the script does the transfer itself. */
const answerWithinMs = 200;

/** How long an agent that is there may take to accept a transfer, and to end one that is to be ended. */
const acceptWithinMs = 5000;
const endWithinMs = 4000;

/** A transfer that the server asked for, and where its lines go. */
export interface AskedTransfer {
  readonly socketPath: string;
  readonly request: TransferRequest;
  /** The user of this process. */
  readonly uid: number;
  readonly writeLine: (line: string) => void;
  readonly writeLog: (line: string) => void;
  /** How long the agent may not answer while the server is locked, in ms; default: for ever. */
  readonly lockedSilenceMs?: number | undefined;
  /** Aborted with a TransferError when the transfer has to end. */
  readonly signal: AbortSignal;
}

export type AskedOutcome =
  /** Nobody has begun the transfer; with a hint where that is so only until somebody mends it. */
  | { readonly kind: 'not taken'; readonly reason: string; readonly hint?: string }
  | { readonly kind: 'ended'; readonly exitStatus: number }
  /** The agent or the connection to it broke down; the transfer is over. */
  | { readonly kind: 'broken'; readonly error: TransferError };

/** Hands the transfer to the agent, if there is one, and relays its lines until it has ended; never rejects. */
export async function askAgent(asked: AskedTransfer): Promise<AskedOutcome> {
  const trust = judgeSocket(asked.socketPath, asked.uid);
  if (trust.kind === 'absent') return { kind: 'not taken', reason: `no agent at ${asked.socketPath}` };
  if (trust.kind === 'refused') {
    const reason = `the agent at ${asked.socketPath} is not trusted: ${trust.reason}`;
    return { kind: 'not taken', reason, hint: trust.hint };
  }
  const connections = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    // The first question holds nothing secret and starts nothing: without an answer the script is free to go on alone.
    const health = await exchange(
      asked.socketPath,
      connections,
      'GET',
      '/v1/health',
      undefined,
      answerWithinMs,
    );
    if (health.statusCode !== 200) return { kind: 'not taken', reason: await refusalOf(health) };
    await drain(health);
  } catch (error) {
    connections.destroy();
    return {
      kind: 'not taken',
      reason: `no agent answers at ${asked.socketPath}: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
  try {
    return await handOver(asked, connections);
  } catch (error) {
    return { kind: 'broken', error: asked.signal.aborted ? reasonOf(asked.signal) : agentGone(error) };
  } finally {
    connections.destroy();
  }
}

async function handOver(asked: AskedTransfer, connections: Agent): Promise<AskedOutcome> {
  const { socketPath, signal } = asked;
  signal.throwIfAborted();
  const answer = await exchange(
    socketPath,
    connections,
    'POST',
    '/v1/transfers',
    asked.request,
    acceptWithinMs,
  );
  if (answer.statusCode !== 200) return { kind: 'not taken', reason: await refusalOf(answer) };
  let id: string | undefined;
  let exitStatus: number | undefined;
  const ending = (): void => endTransfer(socketPath, id, reasonOf(signal), answer);
  let pulse: { stop(): void } | undefined;
  const follow = (line: string): void => {
    if (line === 'flush tables' && id !== undefined && asked.lockedSilenceMs !== undefined)
      pulse ??= watchPulse(socketPath, id, asked.lockedSilenceMs, (error) => answer.destroy(error));
    if (endsLock(line)) pulse?.stop();
  };
  await readJsonLines(answer, (line) => {
    if ('accepted' in line) {
      id = line.accepted.id;
      if (signal.aborted) ending();
      else signal.addEventListener('abort', ending, { once: true });
    } else if ('line' in line) {
      follow(line.line);
      asked.writeLine(line.line);
    } else if ('log' in line) asked.writeLog(line.log);
    else exitStatus = line.exit;
  }).finally(() => pulse?.stop());
  signal.removeEventListener('abort', ending);
  if (exitStatus !== undefined) return { kind: 'ended', exitStatus };
  throw new Error('the connection ended');
}

/** Tells the agent why; an agent that does not end the transfer then notices that the connection is closed. */
function endTransfer(
  socketPath: string,
  id: string | undefined,
  reason: TransferError,
  answer: IncomingMessage,
): void {
  const body: AbortRequest = {
    code: reason.code === 'PARENT_GONE' ? 'PARENT_GONE' : 'INTERRUPTED',
    reason: reason.message.slice(0, 200),
  };
  setTimeout(() => answer.destroy(), endWithinMs).unref();
  exchange(socketPath, undefined, 'POST', `/v1/transfers/${id ?? ''}/abort`, body, endWithinMs)
    .then(drain)
    .catch(() => answer.destroy());
}

function readJsonLines(answer: IncomingMessage, onLine: (line: TransferLine) => void): Promise<void> {
  answer.setEncoding('utf8');
  return new Promise((resolve, reject) => {
    let rest = '';
    answer.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      try {
        for (const line of lines) onLine(checkTransferLine(JSON.parse(line)));
      } catch (error) {
        answer.destroy();
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    answer.once('end', resolve);
    answer.once('error', reject);
    answer.once('close', resolve);
  });
}

async function drain(answer: IncomingMessage): Promise<void> {
  answer.resume();
  if (!answer.readableEnded) await new Promise((resolve) => answer.once('close', resolve));
}

async function refusalOf(answer: IncomingMessage): Promise<string> {
  answer.setEncoding('utf8');
  let text = '';
  for await (const chunk of answer as AsyncIterable<string>) text = (text + chunk).slice(0, 10_000);
  const message = /"message":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? 'no reason given';
  return `the agent answered ${answer.statusCode ?? 0}: ${message}`;
}

function reasonOf(signal: AbortSignal): TransferError {
  return signal.reason instanceof TransferError
    ? signal.reason
    : new TransferError('INTERRUPTED', 'the script was asked to end', { cause: signal.reason });
}

function agentGone(cause: unknown): TransferError {
  const how = cause instanceof Error ? cause.message : String(cause);
  return new TransferError('AGENT_GONE', `the agent that did this transfer is gone: ${how}`, { cause });
}
