import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Config } from '../config/config.js';
import { TransferError } from '../errors.js';
import { findPortOwner, type PortOwner } from '../processes/proc.js';

/**
 * Fails with `PORT_BUSY`, naming who has the port, when something listens where the joiner has to. Whether a socket for
 * all addresses of one family is for the other too nobody but the kernel can tell (`IPV6_V6ONLY` is not shown in /proc):
 * it is asked by listening for a moment, only when somebody has the port.
 */
export async function checkPort(config: Config, bind: string | undefined): Promise<void> {
  const { port, family } = config.address;
  const owner = findPortOwner(port, bind);
  if (owner === undefined) return;
  const host = bind ?? (family === 'ip6' ? '::' : '0.0.0.0');
  if (await isTaken(host, port)) throw portBusy(config, owner);
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
