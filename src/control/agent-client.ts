import type { IncomingMessage } from 'node:http';
import { TransferError } from '../errors.js';
import type { TransferRecord } from '../observe/recorder.js';
import type { TransferStatus } from '../observe/status.js';
import type { AgentClient, AgentStatus } from './client-interface.js';
import { exchange } from './exchange.js';
import type { RefusalCode } from './refusal.js';

/** How long an agent may take to answer a command. */
const answerWithinMs = 5000;

/** Asks the agent at a socket, one connection for each question. */
export function createAgentClient(socketPath: string): AgentClient {
  // The agent is of the same version or a close one; what it adds does no harm.
  const ask = async <T>(method: 'GET' | 'POST', path: string, body?: object): Promise<T> =>
    JSON.parse(await answerOf(socketPath, method, path, body)) as T;
  const pathOf = (id: string): string => `/v1/transfers/${encodeURIComponent(id)}`;
  return {
    status: () => ask<AgentStatus>('GET', '/v1/status'),
    history: async () =>
      (await ask<{ transfers: readonly TransferStatus[] }>('GET', '/v1/transfers')).transfers,
    show: (id) => ask<TransferRecord>('GET', pathOf(id)),
    abort: (id) => ask<TransferStatus>('POST', `${pathOf(id)}/abort`, {}),
    throttle: (id, bytesPerSecond) =>
      ask<TransferStatus>('POST', `${pathOf(id)}/throttle`, { bytesPerSecond }),
  };
}

async function answerOf(
  socketPath: string,
  method: string,
  path: string,
  body: object | undefined,
): Promise<string> {
  const { statusCode, text } = await exchange(socketPath, undefined, method, path, body, answerWithinMs)
    .then(async (answer) => ({ statusCode: answer.statusCode ?? 0, text: await textOf(answer) }))
    .catch((cause: unknown) => {
      throw new TransferError(
        'AGENT_ABSENT',
        `no agent answers at ${socketPath}: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      );
    });
  if (statusCode < 300) return text;
  const { code = '', message, hint } = readRefusal(text);
  throw new TransferError('AGENT_REFUSED', message ?? `the agent answered ${statusCode}`, {
    hint: commandHints[code] ?? hint,
  });
}

/** The agent's hints are for those who speak HTTP with it. */
const commandHints: Readonly<Partial<Record<string, string>>> = {
  NOT_FOUND:
    'galera-sst-tunnel history lists the transfers with their ids, galera-sst-tunnel status those that run',
  MALFORMED: 'galera-sst-tunnel --help shows what each command takes',
  NOT_RUNNING: 'it has ended already: galera-sst-tunnel history says how',
} satisfies Partial<Record<RefusalCode, string>>;

interface RefusalText {
  readonly code?: string;
  readonly message?: string;
  readonly hint?: string;
}

function readRefusal(text: string): RefusalText {
  try {
    const { error } = JSON.parse(text) as { readonly error?: RefusalText };
    return error ?? {};
  } catch {
    return {};
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  answer.setEncoding('utf8');
  let text = '';
  for await (const chunk of answer as AsyncIterable<string>) text += chunk;
  return text;
}
