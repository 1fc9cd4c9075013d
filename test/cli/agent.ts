import type { AgentClient, AgentStatus } from '../../src/control/client-interface.js';
import type { Terminal } from '../../src/cli/terminal.js';
import type { TransferRecord } from '../../src/observe/recorder.js';
import type { TransferStatus } from '../../src/observe/status.js';

/** A transfer in the middle of its work, with what the test says differently. */
export function transferOf(given: Partial<TransferStatus> = {}): TransferStatus {
  return {
    id: '1a2b3c4d-5e6f',
    role: 'donor',
    address: 'node2:4444',
    peer: 'node2:4444',
    dataDir: '/var/lib/mysql',
    version: '1.0.0',
    phase: 'copying',
    bytesDone: 1.2e9,
    bytesExpected: 4e9,
    percent: 30,
    ratePerSecond: 98.2e6,
    etaSeconds: 28.5,
    streams: [
      { name: 'copy stream 1', bytesDone: 1.2e9, bytesExpected: 3e9, pid: 1, file: 'shop/orders.ibd' },
      { name: 'copy stream 2', bytesDone: 0, bytesExpected: 0 },
    ],
    startedAt: '2026-11-21T23:59:59.000Z',
    ageSeconds: 14,
    lockSeconds: 1.25,
    ...given,
  };
}

export const copied = transferOf({
  phase: 'done',
  outcome: { kind: 'copied', bytes: 4e9, files: 321, seconds: 40 },
  ratePerSecond: 1e8,
  streams: [],
  ageSeconds: 44,
});

/** An agent that answers from memory and remembers what it was asked to do. */
export function agentWith(
  statuses: readonly Partial<AgentStatus>[],
  record?: TransferRecord,
): AgentClient & { readonly asked: string[] } {
  const asked: string[] = [];
  let next = 0;
  const statusNow = (): AgentStatus => ({
    version: '1.0.0',
    startedAt: '2026-11-21T00:00:00.000Z',
    transfers: [],
    checks: [],
    ...statuses[Math.min(next, statuses.length - 1)],
  });
  const find = (id: string): TransferStatus => statusNow().transfers.find((one) => one.id.startsWith(id))!;
  return {
    asked,
    status: async () => {
      const status = statusNow();
      next += 1;
      return status;
    },
    history: async () => statusNow().transfers,
    show: async () => record!,
    abort: async (id) => {
      asked.push(`abort ${id}`);
      next = 0;
      return find(id);
    },
    throttle: async (id, bytesPerSecond) => {
      asked.push(`throttle ${id} ${bytesPerSecond}`);
      next = 0;
      return find(id);
    },
  };
}

/** A terminal that keeps what was written. */
export function screen(given: Partial<Terminal> = {}): Terminal & { readonly text: () => string } {
  const written: string[] = [];
  return {
    write: (text) => void written.push(text),
    isInteractive: false,
    columns: () => 80,
    rows: () => 24,
    text: () => written.join(''),
    ...given,
  };
}
