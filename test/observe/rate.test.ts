import t from 'tap';
import { beginRate, bytesPerSecond, sampleRate } from '../../src/observe/rate.js';

/** Samples once a second; `bytesOf` gives the count after so many seconds. */
function measure(seconds: number, bytesOf: (second: number) => number): number | undefined {
  let rate = beginRate(0, 0);
  for (let second = 1; second <= seconds; second++) rate = sampleRate(rate, second * 1000, bytesOf(second));
  return bytesPerSecond(rate);
}

t.test('there is no rate before the first sample', async (t) => {
  t.equal(bytesPerSecond(beginRate(0, 0)), undefined);
});

t.test('a steady flow has its rate from the first sample on', async (t) => {
  for (const seconds of [1, 10, 1000])
    t.ok(Math.abs(measure(seconds, (s) => s * 5e6)! - 5e6) < 1, `${seconds} s`);
});

t.test('samples that come unevenly average out', async (t) => {
  const rate = measure(60, (s) => Math.floor(s / 5) * 5e7)!;
  t.ok(rate > 0.75e7 && rate < 1.25e7, String(rate));
});

t.test('a flow that stands still loses its rate', async (t) => {
  t.ok(measure(60, (s) => Math.min(s, 20) * 1e6)! < 2e5);
});

t.test('a count that falls or a clock that stands still does no harm', async (t) => {
  const rate = sampleRate(sampleRate(beginRate(0, 0), 1000, 500), 1000, 600);
  const bytes = bytesPerSecond(sampleRate(rate, 2000, 100))!;
  t.ok(bytes > 0 && bytes < 500, String(bytes));
});
