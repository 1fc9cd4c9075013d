import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { parseAddress } from '../config/address.js';
import { TransferError } from '../errors.js';

/** Where Prometheus reaches the metrics. */
export interface MetricsAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `9469`, `:9469`, `192.0.2.1:9469` or `[2001:db8::1]:9469`; without an address only this host reaches it.
 * @throws TransferError ARGUMENT_INVALID, ADDRESS_INVALID.
 */
export function readMetricsAddress(text: string): MetricsAddress {
  if (!/^(?:(?:[^:[\]]+|\[[^\]]+\])?:)?\d+$/.test(text)) {
    throw new TransferError(
      'ARGUMENT_INVALID',
      `--metrics-listen: expected ADDRESS:PORT or :PORT, not ${JSON.stringify(text)}`,
      { hint: 'see galera-sst-tunnel agent --help' },
    );
  }
  const { host, port } = parseAddress(
    /^:?\d+$/.test(text) ? `127.0.0.1:${text.replace(':', '')}` : text,
    '--metrics-listen',
  );
  return { host, port };
}

/** What is told of serving metrics. */
export interface MetricsTold {
  readonly serving: () => void;
  /** Once for each reason: it is tried again. */
  readonly cannot: (error: unknown) => void;
  readonly bug: (error: unknown) => void;
}

/**
 * Serves metrics until the signal aborts, and tries again until it can: an address that is taken, or not there yet, is no
 * reason not to do transfers.
 */
export async function serveMetrics(
  address: MetricsAddress,
  metrics: () => Promise<string>,
  told: MetricsTold,
  signal: AbortSignal,
  retryMs = 10_000,
): Promise<void> {
  let reason: string | undefined;
  while (!signal.aborted) {
    try {
      const server = await listenForMetrics(address, metrics, told.bug);
      told.serving();
      await untilAborted(signal);
      server.close();
      server.closeAllConnections();
    } catch (error) {
      if (String(error) !== reason) told.cannot(error);
      reason = String(error);
      await delay(retryMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/**
 * Serves `GET /metrics` over TCP and nothing else of the agent: there is no authentication.
 * @throws TransferError PORT_BUSY, ADDRESS_INVALID when it cannot listen there.
 */
export async function listenForMetrics(
  { host, port }: MetricsAddress,
  metrics: () => Promise<string>,
  onBug: (error: unknown) => void,
): Promise<Server> {
  const limits = {
    maxHeaderSize: 16_384,
    headersTimeout: 5000,
    requestTimeout: 5000,
    keepAliveTimeout: 5000,
  };
  const server = createServer(limits, (request, response) => {
    response.on('error', () => undefined);
    // A body is not read: the connection ends with the answer.
    response.setHeader('connection', 'close');
    const end = (status: number, text: string): void => {
      response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text);
    };
    if (request.url?.replace(/\?.*$/s, '') !== '/metrics') end(404, 'only /metrics is here\n');
    else if (request.method !== 'GET') {
      response.setHeader('allow', 'GET');
      end(405, '/metrics takes GET\n');
    } else {
      metrics().then(
        (text) => end(200, text),
        (error: unknown) => {
          onBug(error);
          end(500, 'the agent failed at this request; its log says why\n');
        },
      );
    }
  });
  server.maxConnections = 50;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(cannotListen({ host, port }, cause)));
    server.listen({ host, port }, resolve);
  });
  server.on('error', onBug);
  return server;
}

function cannotListen({ host, port }: MetricsAddress, cause: NodeJS.ErrnoException): TransferError {
  return new TransferError(
    cause.code === 'EADDRINUSE' ? 'PORT_BUSY' : 'ADDRESS_INVALID',
    `cannot serve metrics on ${host} port ${port}: ${cause.message}`,
    { hint: 'name another address with --metrics-listen', cause },
  );
}
