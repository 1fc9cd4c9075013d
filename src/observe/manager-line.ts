import type { CheckedServer } from '../transfers/check-node.js';
import { describeProgress } from './progress-line.js';
import type { TransferStatus } from './status.js';

/** What `systemctl status` shows: the transfers that run, or that none does and what the self-checks have found. */
export function managerLine(
  running: readonly TransferStatus[],
  checked: readonly CheckedServer[],
  isDraining: boolean,
): string {
  const last = isDraining ? 'starts again when this has ended: ' : '';
  if (running.length > 0) return `${last}${running.map(describe).join('; ')}`;
  const findings = checked.flatMap((server) => server.findings);
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.length - errors;
  const counts = [count(errors, 'error'), count(warnings, 'warning')].filter((text) => text !== '');
  return counts.length === 0
    ? 'waiting for transfers'
    : `waiting for transfers; self-checks: ${counts.join(', ')}, see galera-sst-tunnel status`;
}

function describe(status: TransferStatus): string {
  const { role, address, peer, phase, percent } = status;
  const parties =
    role === 'donor'
      ? `donor to ${address}`
      : `joiner ${peer === undefined ? `at ${address}` : `from ${peer}`}`;
  return `${parties}: ${phase}${percent === undefined ? '' : `, ${describeProgress(status)}`}`;
}

function count(number: number, word: string): string {
  return number === 0 ? '' : `${number} ${word}${number === 1 ? '' : 's'}`;
}
