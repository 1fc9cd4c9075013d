import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Config } from '../config/config.js';
import { TransferError } from '../errors.js';
import { judgeListener } from '../processes/leftover.js';
import { findPortOwner, type PortOwner } from '../processes/proc.js';
import type { TransferContext } from './context.js';
import { delay } from './wait.js';

/** Fails with `PORT_BUSY`, naming who has the port, when something listens where the joiner has to that `freePort` would not end. */
export async function checkPort(config: Config, bind: string | undefined): Promise<void> {
  const owner = await findObstacle(config, bind);
  if (owner !== undefined && judgeListener(owner).kind === 'in use') throw portBusy(config, owner);
}

/** How long what is being ended, or ends by itself, may take to close the port. */
const closesWithinMs = 5000;

/**
 * Ends what a transfer that is over has left listening where the joiner has to: its claim may be gone with the data directory.
 * @throws TransferError PORT_BUSY as `checkPort` does.
 */
export async function freePort(
  config: Config,
  bind: string | undefined,
  { emit, signal }: Pick<TransferContext, 'emit' | 'signal'>,
): Promise<void> {
  const ended = new Set<string>();
  const begunMs = performance.now();
  for (;;) {
    const owner = await findObstacle(config, bind);
    if (owner === undefined) return;
    const listener = judgeListener(owner);
    if (listener.kind === 'in use' || performance.now() - begunMs > closesWithinMs)
      throw portBusy(config, owner);
    if (listener.kind === 'left over') {
      listener.end();
      if (!ended.has(listener.transferId)) {
        const text = `ended what transfer ${listener.transferId}, which is over, had left listening on port ${config.address.port} (process ${owner.pid ?? 0})`;
        emit({ kind: 'notice', text });
      }
      ended.add(listener.transferId);
    }
    await delay(20, signal);
  }
}

/**
 * Who listens where the joiner has to. Whether a socket for all addresses of one family is for the other too nobody but the kernel can
 * tell (`IPV6_V6ONLY` is not shown in /proc): it is asked by listening for a moment, only when somebody has the port.
 */
async function findObstacle(config: Config, bind: string | undefined): Promise<PortOwner | undefined> {
  const { port, family } = config.address;
  const owner = findPortOwner(port, bind);
  if (owner === undefined) return undefined;
  const host = bind ?? (family === 'ip6' ? '::' : '0.0.0.0');
  return (await isTaken(host, port)) ? owner : undefined;
}

async function isTaken(host: string, port: number): Promise<boolean> {
  const server = createServer((connection) => connection.destroy());
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, 'listening');
    return false;
  } catch (error) {
    // Anything else is for socat to report.
    return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  } finally {
    if (server.listening) {
      server.close();
      await once(server, 'close');
    }
  }
}

/** The error for a port that is taken. */
export function portBusy(config: Config, owner: PortOwner | undefined): TransferError {
  const who =
    owner === undefined
      ? 'another process'
      : owner.pid === undefined
        ? `a process of uid ${owner.uid}, which this user may not see (listening on ${owner.address}; as root: ss -ltnp)`
        : `process ${owner.pid}: ${owner.commandLine ?? ''}`;
  return new TransferError(
    'PORT_BUSY',
    `port ${config.address.port} for ${config.address.host} is taken by ${who}`,
  );
}
