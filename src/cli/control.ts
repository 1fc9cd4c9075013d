import type { AgentClient } from '../control/client-interface.js';
import { TransferError } from '../errors.js';
import { showBytes } from '../observe/quantities.js';
import { lowestRate } from '../processes/rate-limit.js';
import { statusLine } from './format-status.js';
import type { Terminal } from './terminal.js';

/** `galera-sst-tunnel abort [ID]`: ends a running transfer; without an id the only one that runs. */
export async function runAbort(
  client: AgentClient,
  id: string | undefined,
  terminal: Terminal,
): Promise<void> {
  const transfer = await client.abort(id ?? (await onlyRunning(client)));
  terminal.write(`ending ${statusLine(transfer)}\n`);
}

/** `galera-sst-tunnel throttle RATE [ID]`: changes the rate of a running transfer. */
export async function runThrottle(
  client: AgentClient,
  rate: string,
  id: string | undefined,
  terminal: Terminal,
): Promise<void> {
  const bytesPerSecond = parseRate(rate);
  const transfer = await client.throttle(id ?? (await onlyRunning(client)), bytesPerSecond);
  const limit = bytesPerSecond === 0 ? 'no limit' : `at most ${showBytes(bytesPerSecond)}/s`;
  terminal.write(`${limit} for ${statusLine(transfer)}\n`);
}

async function onlyRunning(client: AgentClient): Promise<string> {
  const running = (await client.status()).transfers.filter(({ outcome }) => outcome === undefined);
  const [only, another] = running;
  if (only === undefined)
    throw new TransferError('ARGUMENT_INVALID', 'no transfer is running', {
      hint: 'see galera-sst-tunnel status',
    });
  if (another === undefined) return only.id;
  throw new TransferError('ARGUMENT_INVALID', `${running.length} transfers are running, expected an id`, {
    hint: `one of ${running.map((transfer) => transfer.id.slice(0, 8)).join(', ')}; galera-sst-tunnel status tells which is which`,
  });
}

const factors: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/**
 * A rate in bytes a second with the suffixes that `rlimit` has in the server's own methods (pv): `500k`, `80M`, `1G`,
 * powers of 1024; 0 for no limit.
 * @throws TransferError ARGUMENT_INVALID
 */
export function parseRate(text: string): number {
  const [, digits, suffix] = /^(\d{1,9}(?:\.\d{1,3})?)([kmg]?)$/i.exec(text) ?? [];
  const factor = factors[suffix?.toLowerCase() ?? 'none'];
  if (digits === undefined || factor === undefined) {
    throw new TransferError(
      'ARGUMENT_INVALID',
      `the rate is ${JSON.stringify(text)}, expected bytes a second such as 500k, 80M or 1G, or 0 for no limit`,
      { hint: 'k, M and G are powers of 1024; see galera-sst-tunnel throttle --help' },
    );
  }
  const rate = Math.round(Number(digits) * factor);
  if (rate < lowestRate && Number(digits) > 0) {
    throw new TransferError(
      'ARGUMENT_INVALID',
      `the rate is ${text}, expected at least ${lowestRate / 1024}k`,
      {
        hint: '0 stands for no limit; galera-sst-tunnel abort ends the transfer',
      },
    );
  }
  return rate;
}
