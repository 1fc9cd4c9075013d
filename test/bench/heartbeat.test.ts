import t from 'tap';
import { findStalls } from './heartbeat.js';

const cases: { what: string; times: number[]; blocked: number; longest: number }[] = [
  { what: 'nothing was written', times: [], blocked: 0, longest: 0 },
  { what: 'steady writes', times: [1, 1.006, 1.012], blocked: 0, longest: 0 },
  { what: 'a short hiccup is no stall', times: [1, 1.054, 1.06], blocked: 0, longest: 0 },
  { what: 'stalls add up, without the interval', times: [1, 3.005, 3.01, 3.515], blocked: 2.5, longest: 2 },
];
for (const { what, times, blocked, longest } of cases) {
  const stalls = findStalls(times);
  t.strictSame(
    [stalls.blockedSeconds.toFixed(3), stalls.longestStallSeconds.toFixed(3)],
    [blocked.toFixed(3), longest.toFixed(3)],
    what,
  );
}
