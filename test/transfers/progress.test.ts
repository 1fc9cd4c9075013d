import t from 'tap';
import type { StreamProgress } from '../../src/events.js';
import { followProgress } from '../../src/transfers/progress.js';
import { recordTransfer } from './context.js';

const stream = (doneBytes: number): StreamProgress => ({ name: 'stream 1', doneBytes, totalBytes: 100 });

t.test('counts once a second, never falls, never exceeds the total, and ends with it', async (t) => {
  const ticks: (() => void)[] = [];
  t.intercept(globalThis, 'setInterval', {
    value: (tick: () => void) => {
      ticks.push(tick);
      return setTimeout(() => undefined, 0);
    },
  });
  const counts = [10, 60, 50, 50, 170];
  const context = recordTransfer();
  const progress = followProgress(
    () => 100,
    () => [stream(counts.shift()!)],
    context,
  );
  for (let i = 0; i < 5; i++) ticks[0]!();
  progress.complete(120);
  t.strictSame(
    context.events.map((event) => (event.kind === 'progress' ? [event.doneBytes, event.totalBytes] : event)),
    [
      [10, 100],
      [60, 100],
      [60, 100],
      [60, 100],
      [100, 100],
      [120, 120],
    ],
  );
  t.strictSame(
    context.said.map((line) => ('bytes' in line ? `${line.kind} ${line.bytes}` : line.kind)),
    ['total 100', 'complete 10', 'complete 60', 'complete 100', 'total 120', 'complete 120'],
  );
});

t.test('a total that becomes better known is told, and is never less than what has passed', async (t) => {
  let expected = 100;
  let done = 0;
  let count = (): void => undefined;
  const context = recordTransfer(undefined, {
    whenAsked: (ask) => {
      count = ask;
      return () => (count = () => undefined);
    },
  });
  const progress = followProgress(
    () => expected,
    () => [stream(done)],
    context,
  );
  const steps: readonly (readonly [number, number])[] = [
    [90, 100],
    [100, 100],
    [110, 200],
    [160, 150],
  ];
  for (const [counted, total] of steps) {
    [done, expected] = [counted, total];
    count();
  }
  progress.complete(155);
  count();
  t.strictSame(
    context.events.map((event) => (event.kind === 'progress' ? [event.doneBytes, event.totalBytes] : event)),
    [
      [90, 100],
      [100, 100],
      [110, 200],
      [150, 150],
      [155, 155],
    ],
    'each time that somebody asks, until it is complete',
  );
  t.strictSame(
    context.said.map((line) => ('bytes' in line ? `${line.kind} ${line.bytes}` : line.kind)),
    [
      ...['total 100', 'complete 90', 'complete 100', 'total 200', 'complete 110'],
      ...['total 150', 'complete 150', 'total 155', 'complete 155'],
    ],
  );
});
