import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { TransferError } from '../../src/errors.js';
import { delay, unlessThrown, untilAborted, waitForFile, within } from '../../src/transfers/wait.js';

const reason = new TransferError('INTERRUPTED', 'ended by SIGTERM');
const never = new AbortController().signal;

t.test('a file that is there already is found at once', async (t) => {
  const dir = t.testdir({ b: '', c: '' });
  const paths = ['a', 'b', 'c'].map((name) => join(dir, name));
  t.equal(await waitForFile(dir, paths, never), join(dir, 'b'), 'the first of those named');
});

t.test('a file that comes, or is renamed into place, is noticed', async (t) => {
  const dir = t.testdir({ other: '' });
  const paths = [join(dir, 'a'), join(dir, 'b')];
  const came = waitForFile(dir, paths, never);
  writeFileSync(join(dir, 'neither'), '');
  writeFileSync(join(dir, 'b'), '');
  t.equal(await came, join(dir, 'b'));
  const renamed = waitForFile(dir, paths.slice(0, 1), never);
  renameSync(join(dir, 'other'), join(dir, 'a'));
  t.equal(await renamed, join(dir, 'a'));
});

t.test('a file in a directory that cannot be watched is found as well', async (t) => {
  const dir = t.testdir();
  const came = waitForFile(join(dir, 'not there'), [join(dir, 'a')], never);
  writeFileSync(join(dir, 'a'), '');
  t.equal(await came, join(dir, 'a'));
});

t.test('waiting ends with the reason of the abort', async (t) => {
  const dir = t.testdir();
  const controller = new AbortController();
  const waits: Promise<unknown>[] = [
    waitForFile(dir, [join(dir, 'a')], controller.signal),
    delay(1_000_000, controller.signal),
    untilAborted(controller.signal),
  ];
  controller.abort(reason);
  for (const wait of waits)
    await t.rejects(
      wait.then(() => undefined),
      reason,
    );
  await t.rejects(waitForFile(dir, [join(dir, 'a')], controller.signal), reason, 'aborted before');
  await t.rejects(delay(1_000_000, controller.signal), reason, 'aborted before');
  await t.rejects(untilAborted(controller.signal), reason, 'aborted before');
});

t.test('a reason that is no error becomes one', async (t) => {
  await t.rejects(untilAborted(AbortSignal.abort('just so')), new Error('just so'));
});

t.test('a delay lasts as long as it says', async (t) => {
  const before = performance.now();
  await delay(30, never);
  t.ok(performance.now() - before >= 29);
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

t.test('what takes too long is aborted, however much garbage is collected meanwhile', async (t) => {
  const collecting = setInterval(collectGarbage, 20);
  t.teardown(() => clearInterval(collecting));
  await t.rejects(
    Promise.race([
      within(300, new AbortController().signal, untilAborted),
      pause(5000, 'never', { ref: false }),
    ]),
    /not within 300 ms/,
  );
});

t.test('an abort from outside ends it too, with its reason', async (t) => {
  const outside = new AbortController();
  const ended = within(60_000, outside.signal, untilAborted);
  outside.abort(new Error('the server has gone'));
  await t.rejects(ended, /the server has gone/);
});

t.test('what is quick enough gives its result', async (t) => {
  t.equal(await within(60_000, new AbortController().signal, () => Promise.resolve(7)), 7);
});

t.test('what runs beside work ends it by throwing, and is told when it is over', async (t) => {
  const signals: AbortSignal[] = [];
  const endless = (signal: AbortSignal): Promise<never> => {
    signals.push(signal);
    return untilAborted(signal);
  };
  const { signal } = new AbortController();
  t.equal(await unlessThrown(signal, () => Promise.resolve(7), endless), 7);
  await t.rejects(
    unlessThrown(signal, endless, () => Promise.reject(new Error('disturbed'))),
    { message: 'disturbed' },
  );
  t.strictSame(
    signals.map(({ aborted }) => aborted),
    [true, true],
  );
  const stop = new AbortController();
  const stopped = unlessThrown(stop.signal, endless, endless);
  stop.abort(new Error('stopped'));
  await t.rejects(stopped, { message: 'stopped' });
});
