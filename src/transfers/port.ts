import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from '../config/config.js';
import { TransferError } from '../errors.js';
import { judgeListener } from '../processes/leftover.js';
import { findPortOwner, type PortOwner } from '../processes/proc.js';
import type { TransferContext } from './context.js';
import { delay } from './wait.js';

/**
 * Fails with `PORT_BUSY`, naming who has the port, when something listens where the joiner has to that `freePort` would not end. It may
 * be in the way of a transfer that begins just now, and so listens itself only when somebody has the port already.
 */
export async function checkPort(config: Config, bind: string | undefined): Promise<void> {
  const owner = findPortOwner(config.address.port, bind);
  if (owner === undefined) return;
  const { kind } = judgeListener(owner);
  if (kind !== 'in use' && kind !== 'hidden') return;
  if (kind === 'hidden') await wait(vanishesWithinMs);
  if (await isTaken(config, bind)) throw portBusy(config, owner);
}

/** How long what is being ended, or ends by itself, may take to close the port. */
const closesWithinMs = 5000;
/** How long a process may take for that which is not to be seen any more. */
const vanishesWithinMs = 500;

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
  let wasInUse = false;
  let hiddenSinceMs = Infinity;
  for (;;) {
    // Reading /proc to the end takes 10 ms of processor time and more (Linux 6.18, 24 GiB), listening almost none.
    if (!(await isTaken(config, bind))) return;
    const owner = findPortOwner(config.address.port, bind);
    if (owner === undefined) return;
    const listener = judgeListener(owner);
    // What ends just while it is looked at seems to be another's: only the second look in a row counts.
    const isInUse = listener.kind === 'in use';
    const nowMs = performance.now();
    hiddenSinceMs = listener.kind === 'hidden' ? Math.min(hiddenSinceMs, nowMs) : Infinity;
    const isLate = nowMs - begunMs > closesWithinMs || nowMs - hiddenSinceMs > vanishesWithinMs;
    if ((isInUse && wasInUse) || isLate) throw portBusy(config, owner);
    wasInUse = isInUse;
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
 * Whether something keeps the joiner from listening. Whether a socket for all addresses of one family is for the other too nobody but the
 * kernel can tell (`IPV6_V6ONLY` is not shown in /proc): it is asked by listening for a moment.
 */
async function isTaken(
  { address: { port, family } }: Config,
  bind = family === 'ip6' ? '::' : '0.0.0.0',
): Promise<boolean> {
  const server = createServer((connection) => connection.destroy());
  try {
    server.listen({ host: bind, port, exclusive: true });
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
