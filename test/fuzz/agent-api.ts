import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  checkAbortRequest,
  checkThrottleRequest,
  checkTransferLine,
  checkTransferRequest,
} from '../../src/control/messages.js';
import { Refusal, refusalTable } from '../../src/control/refusal.js';
import { findRoute, type AgentApi } from '../../src/control/routes.js';
import { SchemaError } from '../../src/control/schema.js';
import { createControlServer, usualLimits } from '../../src/control/server.js';
import { hostileText, mutated, mutatedText } from './inputs.js';
import { asyncTarget, claim, target, type Target } from './target.js';

const begin = {
  argv: ['--role', 'joiner', '--address', '127.0.0.1'],
  env: { HOME: '/root' },
  directory: '/var/lib/mysql',
  remoteSecret: '0123456789abcdef'.repeat(3),
  serverPid: 77,
};
const bodies = [begin, { code: 'INTERRUPTED', reason: 'enough' }, { bytesPerSecond: 1000 }, {}].map((body) =>
  JSON.stringify(body),
);
const lines = ['{"accepted":{"id":"a1","version":"1"}}', '{"line":"ready x"}', '{"log":"x"}', '{"exit":0}'];
const jsonTexts = fc.oneof(
  mutatedText([...bodies, ...lines]),
  fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
  fc
    .tuple(fc.constantFrom(...Object.keys(begin)), fc.oneof(fc.jsonValue(), hostileText))
    .map(([name, value]) => JSON.stringify({ ...begin, [name]: value })),
  fc.constant('{"__proto__":{"argv":[]},"argv":[],"env":{}}'),
);
const requests = fc.tuple(
  jsonTexts,
  fc.constantFrom('GET', 'POST', 'PUT', '', '\0'),
  fc.oneof(mutatedText(['/v1/transfers/a1/abort', '/v1/status?x', '/metrics', '/v1/transfers']), hostileText),
);

/** What an agent and a script read from one another, apart from HTTP. */
export const agentMessages: Target = target('API requests', 11, requests, ([text, method, path]) => {
  const checks = [checkTransferRequest, checkAbortRequest, checkThrottleRequest, checkTransferLine];
  const value = parsed(text);
  for (const check of checks) {
    const taken = refusedBy(SchemaError, () => check(value, ''));
    claim(taken === undefined || Object.getPrototypeOf(taken) === Object.prototype, 'a plain object');
  }
  const found = refusedBy(Refusal, () => findRoute(method, path));
  claim(found === undefined || /^[A-Za-z0-9-]{0,64}$/.test(found.id), 'a plain id');
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusedBy<T>(refusal: typeof SchemaError | typeof Refusal, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof refusal)) throw error;
    return undefined;
  }
}

/** An API that has everything and does nothing. */
const api: AgentApi = {
  health: () => ({ state: 'ready' }),
  status: () => ({}),
  transfers: () => ({ transfers: [] }),
  transfer: (id) => ({ id }),
  begin: (_, output) => output.end(),
  abort: (id) => ({ id }),
  throttle: (id) => ({ id }),
  metrics: () => Promise.resolve('up 1\n'),
};

const request = (method: string, path: string, body = ''): string =>
  `${method} ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const examples = [
  request('GET', '/v1/health'),
  request('GET', '/v1/transfers/a1?x=1'),
  request('POST', '/v1/transfers', bodies[0]),
  request('POST', '/v1/transfers/a1/abort', bodies[1]),
  request('POST', '/v1/transfers/a1/throttle', bodies[2]),
  'POST /v1/transfers HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-type: application/json\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
].map((text) => Buffer.from(text));

interface Listening {
  readonly server: Server;
  readonly path: string;
  readonly directory: string;
  readonly bugs: unknown[];
}
let listening: Promise<Listening> | undefined;

/** Bytes at the agent's socket; after each it still answers a good request. */
export const agentBytes: Target = {
  ...asyncTarget('bytes at the API', 3, mutated(examples), async (bytes) => {
    const { path, bugs } = await (listening ??= listen());
    const answer = await exchange(path, bytes);
    const statuses = Object.values(refusalTable).map(({ status }) => status);
    const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1];
    claim(
      answer === '' || [100, 200, 202, ...statuses].includes(Number(status)),
      `an answer: ${answer.slice(0, 60)}`,
    );
    claim(!answer.includes('"INTERNAL"') && bugs.length === 0, `a defect: ${String(bugs[0])}`);
    const health = await exchange(path, Buffer.from('GET /v1/health HTTP/1.1\r\nconnection: close\r\n\r\n'));
    claim(health.includes('"ready"'), 'it still answers');
  }),
  close: async () => {
    const open = await listening;
    listening = undefined;
    open?.server.closeAllConnections();
    open?.server.close();
    if (open !== undefined) rmSync(open.directory, { recursive: true });
  },
};

async function listen(): Promise<Listening> {
  const bugs: unknown[] = [];
  const server = createControlServer(api, (error) => bugs.push(error), usualLimits);
  const directory = mkdtempSync(join(tmpdir(), 'fuzz-api-'));
  const path = join(directory, 's');
  server.listen(path);
  await once(server, 'listening');
  return { server, path, directory, bugs };
}

/** Sends everything and half-closes; what came back until the server closed. */
function exchange(path: string, bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(path);
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(text));
    socket.end(bytes);
  });
}
