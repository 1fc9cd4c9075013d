import t from 'tap';
import { describeProgress, isWorthTelling } from '../../src/observe/progress-line.js';
import type { TransferStatus } from '../../src/observe/status.js';

t.test('a log hears of progress every 5 % or 30 s', async (t) => {
  const cases: [number, number, boolean][] = [
    [44.9, 29_999, false],
    [45, 0, true],
    [40, 30_000, true],
    [41, 1000, false],
    [100, 1000, true],
  ];
  for (const [percent, nowMs, expected] of cases)
    t.equal(isWorthTelling({ atMs: 0, percent: 40 }, percent, nowMs), expected, `${percent} after ${nowMs}`);
  t.equal(isWorthTelling({ atMs: 0, percent: 100 }, 100, 1000), false, 'the end is told once');
});

t.test('what is not known is left out', async (t) => {
  const status = (given: Partial<TransferStatus>): TransferStatus =>
    ({ bytesDone: 1.2e9, ...given }) as TransferStatus;
  t.equal(describeProgress(status({})), '1.2 GB');
  t.equal(
    describeProgress(status({ bytesExpected: 4e9, percent: 30, ratePerSecond: 98.2e6, etaSeconds: 29 })),
    '1.2 GB of 4.0 GB (30.0 %), 98.2 MB/s, 0:29 left',
  );
});
