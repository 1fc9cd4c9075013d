import { showBytes, showPercent, showSeconds } from './quantities.js';
import type { TransferStatus } from './status.js';

/** What was last told of a transfer's progress. */
export interface ToldProgress {
  readonly atMs: number;
  readonly percent: number;
}

const stepPercent = 5;
const stepMs = 30_000;

/** Whether a log should hear of the progress again: 5 % or 30 s have passed, and something has changed. */
export function isWorthTelling(told: ToldProgress, percent: number, nowMs: number): boolean {
  const step = percent - told.percent;
  return step >= stepPercent || nowMs - told.atMs >= stepMs || (percent === 100 && step > 0);
}

/** `1.2 GB of 4.0 GB (30.0 %), 98.2 MB/s, 0:29 left`. */
export function describeProgress(status: TransferStatus): string {
  const { bytesDone, bytesExpected, percent, ratePerSecond, etaSeconds } = status;
  const size =
    bytesExpected === undefined
      ? showBytes(bytesDone)
      : `${showBytes(bytesDone)} of ${showBytes(bytesExpected)}`;
  return [
    `${size}${percent === undefined ? '' : ` (${showPercent(percent)})`}`,
    ...(ratePerSecond === undefined ? [] : [`${showBytes(ratePerSecond)}/s`]),
    ...(etaSeconds === undefined || percent === 100 ? [] : [`${showSeconds(etaSeconds)} left`]),
  ].join(', ');
}
