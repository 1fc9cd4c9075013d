import t from 'tap';
import { signInterval, withSignsOfLife } from '../../src/transfers/signs-of-life.js';

t.test('signs of life come often enough for the shortest limit', async (t) => {
  const cases = [
    [[], 30_000],
    [[0, 0], 30_000],
    [[120_000, 120_000], 30_000],
    [[120_000, 12_000], 4000],
    [[6000, 0], 2000],
  ] as const;
  for (const [limits, everyMs] of cases) t.equal(signInterval(limits), everyMs, limits.join());
});

t.test('they are sent until the work is done', async (t) => {
  let signs = 0;
  let isEnough = (): void => undefined;
  const enough = new Promise<void>((resolve) => (isEnough = resolve));
  const send = (): Promise<void> => {
    signs += 1;
    if (signs === 3) isEnough();
    return Promise.resolve();
  };
  const work = async (): Promise<string> => enough.then(() => 'done');
  t.equal(await withSignsOfLife({ send, everyMs: 1 }, new AbortController().signal, work), 'done');
  t.equal(signs, 3);
});

t.test('the first one has a time of its own', async (t) => {
  let hasCome = (): void => undefined;
  const first = new Promise<void>((resolve) => (hasCome = resolve));
  const send = async (): Promise<void> => {
    await Promise.resolve();
    hasCome();
  };
  const signs = { send, everyMs: 3_600_000, firstMs: 1 };
  t.equal(await withSignsOfLife(signs, new AbortController().signal, () => first.then(() => 'done')), 'done');
});

t.test('one that cannot be sent ends the work', async (t) => {
  const send = (): Promise<void> => Promise.reject(new Error('the joiner is gone'));
  let ended: AbortSignal | undefined;
  const work = (signal: AbortSignal): Promise<never> => {
    ended = signal;
    return new Promise(() => undefined);
  };
  const transfer = new AbortController().signal;
  await t.rejects(withSignsOfLife({ send, everyMs: 1 }, transfer, work), { message: 'the joiner is gone' });
  t.ok(ended?.aborted, 'and the work is told');
});
