import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { listenOnSocket } from '../../src/control/listen.js';
import { Refusal } from '../../src/control/refusal.js';
import type { AgentApi, TransferOutput } from '../../src/control/routes.js';
import { createControlServer, usualLimits, type ControlLimits } from '../../src/control/server.js';

/** An API that answers with what it was asked, behind a real socket. */
export interface GivenServer {
  readonly path: string;
  /** Transfers that were begun, newest last. */
  readonly begun: { readonly request: unknown; readonly output: TransferOutput }[];
  /** Resolves with the next transfer that is begun. */
  nextBegun(): Promise<{ readonly request: unknown; readonly output: TransferOutput }>;
  readonly bugs: unknown[];
  connections(): Promise<number>;
}

/** Starts a server with limits that are short enough for tests. */
export async function givenServer(
  t: Test,
  limits: Partial<ControlLimits> = {},
  changes: Partial<AgentApi> = {},
): Promise<GivenServer> {
  const begun: GivenServer['begun'] = [];
  const waiting: ((one: GivenServer['begun'][number]) => void)[] = [];
  const bugs: unknown[] = [];
  const api: AgentApi = {
    health: () => ({ state: 'ready' }),
    status: () => ({ status: true }),
    transfers: () => ({ transfers: [] }),
    transfer: (id) => {
      if (id === 'missing') throw new Refusal('NOT_FOUND', 'there is no transfer missing');
      return { id };
    },
    begin: (request, output) => {
      output.write({ accepted: { id: 'a1', version: '1' } }, false);
      begun.push({ request, output });
      waiting.shift()?.({ request, output });
    },
    abort: (id, request) => ({ id, aborted: request }),
    throttle: (id, request) => ({ id, throttled: request }),
    metrics: () => Promise.resolve('up 1\n'),
    ...changes,
  };
  const server = createControlServer(api, (error) => bugs.push(error), { ...usualLimits, ...limits });
  // A socket's path is short: not in the test's own directory.
  const directory = mkdtempSync(join(tmpdir(), 'agent-'));
  const path = join(directory, 'agent.sock');
  await listenOnSocket(server, path);
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
    rmSync(directory, { recursive: true });
  });
  return {
    path,
    begun,
    nextBegun: () => new Promise((resolve) => waiting.push(resolve)),
    bugs,
    connections: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
      }),
  };
}

/** What came back over one connection until the server closed it. */
export interface RawAnswer {
  readonly text: string;
  readonly status: number | undefined;
  /** Of the last answer in it. */
  readonly body: string;
}

/** Writes the bytes as they are and reads until the server closes; `halfClose` sends FIN after them. */
export async function sendRaw(
  path: string,
  bytes: string | Uint8Array,
  halfClose = false,
): Promise<RawAnswer> {
  const socket = await open(path);
  socket.on('error', () => undefined);
  const text = readToEnd(socket);
  if (halfClose) socket.end(bytes);
  else socket.write(bytes);
  return readAnswer(await text);
}

export async function open(path: string): Promise<Socket> {
  const socket = connect({ path, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

export async function readToEnd(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => (text += chunk));
  await new Promise((resolve) => {
    socket.once('end', resolve);
    socket.once('close', resolve);
  });
  socket.destroy();
  return text;
}

function readAnswer(text: string): RawAnswer {
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1];
  return {
    text,
    status: status === undefined ? undefined : Number(status),
    body: text.slice(text.lastIndexOf('\r\n\r\n') + 4),
  };
}

/** A request with a body and `connection: close`. */
export function request(
  method: string,
  target: string,
  body?: string,
  headers: readonly string[] = [],
): string {
  const length = body === undefined ? [] : [`content-length: ${Buffer.byteLength(body)}`];
  const type =
    body === undefined || headers.some((line) => line.startsWith('content-type'))
      ? []
      : ['content-type: application/json'];
  return [
    `${method} ${target} HTTP/1.1`,
    'host: agent',
    'connection: close',
    ...length,
    ...type,
    ...headers,
    '',
    body ?? '',
  ].join('\r\n');
}
