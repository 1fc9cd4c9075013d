import type { AgentStatus } from '../control/client-interface.js';
import { describeFailure } from '../errors.js';
import { describeProgress } from '../observe/progress-line.js';
import { showBytes, showPercent, showSeconds, showTime } from '../observe/quantities.js';
import type { StreamStatus, TransferStatus } from '../observe/status.js';
import { printable } from './terminal.js';

/** The agent's status for people, a line each: transfers with their streams, then what the self-checks have found. */
export function formatStatus(status: AgentStatus): string[] {
  const transfers =
    status.transfers.length === 0
      ? ['no transfer since the agent started']
      : status.transfers.flatMap(formatTransfer);
  const findings = status.checks.flatMap(({ dataDir, findings }) =>
    findings.map(
      (finding) =>
        `${finding.severity} (${dataDir}, ${finding.roles.join(' and ')}): ${finding.code}: ${describeFailure(finding)}`,
    ),
  );
  const checked = status.checks.length > 0 && findings.length === 0 ? ['self-checks: nothing found'] : [];
  return [...transfers, ...findings, ...checked].map(printable);
}

function formatTransfer(transfer: TransferStatus): string[] {
  if (transfer.outcome !== undefined) return [describeEnded(transfer)];
  const { id, phase, ageSeconds, lockSeconds, percent, streams } = transfer;
  const lock = lockSeconds > 0 ? `, locked for ${lockSeconds.toFixed(1)} s` : '';
  return [
    `${id.slice(0, 8)}  ${partiesOf(transfer)}: ${phase}, ${showSeconds(ageSeconds)} old${lock}`,
    ...(percent === undefined ? [] : [`  ${bar(percent)} ${describeProgress(transfer)}`]),
    ...streams.map((stream) => `    ${describeStream(stream)}`),
  ];
}

/** One line that says all, for logs and for output that nobody looks at. */
export function statusLine(transfer: TransferStatus): string {
  if (transfer.outcome !== undefined) return printable(describeEnded(transfer));
  const progress = transfer.percent === undefined ? '' : `, ${describeProgress(transfer)}`;
  return printable(`${transfer.id.slice(0, 8)}  ${partiesOf(transfer)}: ${transfer.phase}${progress}`);
}

/** `joiner  /var/lib/mysql from node1 (10.0.0.1)`, as wide for either role; at its own address until its donor has come. */
function partiesOf({ role, address, peer, dataDir }: TransferStatus): string {
  const other = role === 'donor' ? `to ${address}` : peer === undefined ? `at ${address}` : `from ${peer}`;
  return `${role.padEnd(6)}  ${dataDir} ${other}`;
}

/** A transfer that has ended, in one line. */
export function describeEnded(transfer: TransferStatus): string {
  const { id, startedAt, ageSeconds, lockSeconds } = transfer;
  const head = `${id.slice(0, 8)}  ${showTime(startedAt).slice(0, 19)}  ${partiesOf(transfer)}`;
  return `${head}: ${describeOutcome(transfer)}, ${showSeconds(ageSeconds)}${
    lockSeconds > 0 ? `, locked for ${lockSeconds.toFixed(1)} s` : ''
  }`;
}

function describeOutcome({ outcome, ratePerSecond }: TransferStatus): string {
  switch (outcome?.kind) {
    case undefined:
      return 'running';
    case 'bypassed':
      return 'no copy needed (IST)';
    case 'copied': {
      const rate = ratePerSecond === undefined ? '' : ` at ${showBytes(ratePerSecond)}/s`;
      return `copied ${outcome.files} files, ${showBytes(outcome.bytes)}${rate}`;
    }
    case 'failed':
      return `failed: ${outcome.code}: ${outcome.message}`;
  }
}

const barWidth = 24;

function bar(percent: number): string {
  const filled = Math.floor((percent / 100) * barWidth);
  return `[${'#'.repeat(filled)}${'-'.repeat(barWidth - filled)}]`;
}

function describeStream({ name, bytesDone, bytesExpected, file }: StreamStatus): string {
  const percent =
    bytesExpected === undefined || bytesExpected === 0
      ? ''
      : ` ${showPercent((100 * bytesDone) / bytesExpected)}`;
  return `${name}: ${showBytes(bytesDone)}${percent}${file === undefined ? '' : `  ${file}`}`;
}
