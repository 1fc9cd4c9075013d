import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { readJsonBody } from './body.js';
import { createDoorkeeper } from './doorkeeper.js';
import { findRoute, MethodNotAllowed, type AgentApi, type TransferOutput } from './routes.js';
import { Refusal, type RefusalCode } from './refusal.js';
import { SchemaError } from './schema.js';

/** Bounds for what a client may send and how slowly; tests hand in shorter times. */
export interface ControlLimits {
  readonly headerBytes: number;
  readonly bodyBytes: number;
  readonly headerTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** How often the two times above are looked at, connections or none: each look wakes an idle process. */
  readonly checkEveryMs: number;
  readonly idleTimeoutMs: number;
  /** See `createDoorkeeper`. */
  readonly connections: number;
  /** Bytes of a transfer's lines that wait for a reader who is slow; log lines beyond it are left out. */
  readonly unreadBytes: number;
}

export const usualLimits: ControlLimits = {
  headerBytes: 16_384,
  bodyBytes: 1_048_576,
  headerTimeoutMs: 5000,
  requestTimeoutMs: 10_000,
  checkEveryMs: 15_000,
  idleTimeoutMs: 5000,
  connections: 200,
  unreadBytes: 4_194_304,
};

/** The agent's HTTP server, not listening yet. Whatever a client does, no other client notices. */
export function createControlServer(
  api: AgentApi,
  onBug: (error: unknown) => void,
  limits: ControlLimits = usualLimits,
): Server {
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headerTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.idleTimeoutMs,
      connectionsCheckingInterval: limits.checkEveryMs,
      // There is one host at a unix socket.
      requireHostHeader: false,
    },
    (request, response) => {
      const onHeard = (): void => doorkeeper.heard(request.socket);
      void answer(api, request, response, limits, onHeard).catch((error: unknown) => {
        const refusal = asRefusal(error);
        if (refusal.code === 'INTERNAL') onBug(error);
        refuse(response, refusal);
      });
    },
  );
  const doorkeeper = createDoorkeeper(limits.connections);
  server.on('connection', (socket: Socket) => doorkeeper.admit(socket));
  server.on('clientError', onClientError);
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    request.resume();
    refuse(response, new Refusal('MALFORMED', 'Expect: only 100-continue is understood'));
  });
  return server;
}

async function answer(
  api: AgentApi,
  request: IncomingMessage,
  response: ServerResponse,
  limits: ControlLimits,
  onHeard: () => void,
): Promise<void> {
  response.on('error', () => undefined);
  const { route, id } = findRoute(request.method ?? '', request.url ?? '');
  const body =
    route.body === undefined
      ? undefined
      : route.body.check(await readJsonBody(request, limits.bodyBytes, route.body.mayBeEmpty), '');
  onHeard();
  if (route.body === undefined) request.resume();
  const given = await route.answer(api, id, body);
  switch (given.kind) {
    case 'json':
      sendWhole(response, given.status, 'application/json', `${JSON.stringify(given.value)}\n`);
      break;
    case 'text':
      sendWhole(response, 200, given.contentType, given.text);
      break;
    case 'stream':
      given.run(openStream(request.socket, response, limits.unreadBytes));
  }
}

/** The answer that carries a transfer's lines; its connection is the script's lifeline. */
function openStream(connection: Socket, response: ServerResponse, unreadBytes: number): TransferOutput {
  const readerGone = new AbortController();
  const closed = (): void => {
    connection.off('close', closed);
    if (!response.writableFinished) readerGone.abort();
  };
  response.once('close', closed);
  // An answer that waits for its turn behind another one on the same connection is not told (node 20.20).
  connection.once('close', closed);
  const open = (): void => {
    if (response.headersSent) return;
    response.writeHead(200, {
      'content-type': 'application/x-ndjson',
      'cache-control': 'no-store',
      connection: 'close',
    });
    response.socket?.setNoDelay(true);
  };
  return {
    write: (line, droppable) => {
      if (response.destroyed || (droppable && response.writableLength > unreadBytes)) return;
      open();
      response.write(`${JSON.stringify(line)}\n`);
    },
    end: () => {
      open();
      response.end();
    },
    readerGone: readerGone.signal,
  };
}

function sendWhole(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
}

function refuse(response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // What is left of the request is not read: the connection ends with this answer.
  response.setHeader('connection', 'close');
  if (refusal instanceof MethodNotAllowed) response.setHeader('allow', refusal.allowed.join(', '));
  sendWhole(response, refusal.status, 'application/json', `${JSON.stringify(refusal.toJson())}\n`);
}

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof SchemaError) return new Refusal('MALFORMED', error.message);
  return new Refusal('INTERNAL', 'the agent failed at this request; its log says why');
}

/** What is not even HTTP, or too long, or too slow: Node's parser noticed, and there is no response object. */
function onClientError(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const refusal = new Refusal(...describeClientError(error.code));
  const text = `${JSON.stringify(refusal.toJson())}\n`;
  socket.end(
    `HTTP/1.1 ${refusal.status} Refused\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    () => socket.destroy(),
  );
}

function describeClientError(code: string | undefined): [RefusalCode, string] {
  if (code === 'HPE_HEADER_OVERFLOW') return ['HEADER_TOO_LARGE', 'the header is too large'];
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return ['TOO_SLOW', 'the request took too long to arrive'];
  return ['MALFORMED', `expected an HTTP/1.1 request (${code ?? 'unknown'})`];
}
