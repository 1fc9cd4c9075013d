import t from 'tap';
import { TransferError } from '../../src/errors.js';
import type { TransferEvent } from '../../src/events.js';
import {
  reduceTransfer,
  statusOf,
  type TransferState,
  type TransferStatus,
} from '../../src/observe/status.js';

const started: TransferEvent = {
  kind: 'started',
  id: 'one',
  role: 'donor',
  version: '1.0.0',
  address: 'node2:4444',
  dataDir: '/var/lib/mysql',
};
const copying: TransferEvent = { kind: 'phase', phase: 'copying' };
const progress = (doneBytes: number, totalBytes: number): TransferEvent => ({
  kind: 'progress',
  doneBytes,
  totalBytes,
  streams: [{ name: 'stream 1', doneBytes, totalBytes, pid: 7 }],
});

/** The state after events that come one second apart. */
function after(...events: TransferEvent[]): TransferState {
  let state: TransferState | undefined;
  events.forEach((event, second) => (state = reduceTransfer(state, event, second * 1000)));
  return state!;
}

t.test('nothing is known before the start', async (t) => {
  t.equal(reduceTransfer(undefined, copying, 0), undefined);
});

t.test('a running transfer shows what it has done and what is left', async (t) => {
  const status = statusOf(after(started, copying, progress(100, 1000), progress(200, 1000)), 3500);
  t.strictSame(status, {
    id: 'one',
    role: 'donor',
    address: 'node2:4444',
    peer: 'node2:4444',
    dataDir: '/var/lib/mysql',
    version: '1.0.0',
    phase: 'copying',
    bytesDone: 200,
    bytesExpected: 1000,
    percent: 20,
    ratePerSecond: status.ratePerSecond,
    etaSeconds: status.etaSeconds,
    streams: [{ name: 'stream 1', bytesDone: 200, bytesExpected: 1000, pid: 7 }],
    startedAt: '1970-01-01T00:00:00.000Z',
    endedAt: undefined,
    ageSeconds: 3.5,
    lockSeconds: 0,
    outcome: undefined,
  } satisfies TransferStatus);
  t.ok(Math.abs(status.ratePerSecond! - 100) < 0.001);
  t.ok(Math.abs(status.etaSeconds! - 7.5) < 0.001, 'what has passed since the last sample is taken off');
});

t.test('after a third of an uneven transfer the time left is right within a quarter', async (t) => {
  for (const seconds of [9, 60, 3600]) {
    let state = after(started, copying);
    let worst = 0;
    const total = seconds * 1e6;
    for (let second = 1; second < seconds; second++) {
      // every second brings half as much again as the one before, or two thirds of it
      const done = second * 1e6 + (second % 2) * 2e5;
      state = reduceTransfer(state, progress(done, total), (1 + second) * 1000)!;
      const left = seconds - second;
      if (second < seconds / 3 || left < seconds / 6) continue;
      worst = Math.max(worst, Math.abs(statusOf(state, (1 + second) * 1000).etaSeconds! - left) / left);
    }
    t.ok(worst > 0 && worst <= 0.25, `${seconds} s long: wrong by ${worst} of what was left`);
  }
});

t.test('numbers never go backwards', async (t) => {
  const first = statusOf(after(started, copying, progress(900, 1000)), 2000);
  const then = statusOf(after(started, copying, progress(900, 1000), progress(800, 2000)), 3000);
  t.equal(then.bytesDone, first.bytesDone);
  t.equal(then.percent, first.percent);
});

t.test('a copy ends at 100 %, with the mean rate', async (t) => {
  const end = {
    kind: 'finished',
    bypass: false,
    bytes: 1010,
    files: 3,
    seconds: 10,
    lockSeconds: 1,
  } as const;
  const status = statusOf(after(started, copying, progress(990, 1000), end), 99_000);
  t.match(status, { bytesDone: 1000, bytesExpected: 1000, percent: 100, ratePerSecond: 100, streams: [] });
  t.equal(status.etaSeconds, undefined);
  t.equal(status.ageSeconds, 3, 'it ages no more');
  t.strictSame(status.outcome, { kind: 'copied', bytes: 1010, files: 3, seconds: 10 });
});

t.test('a copy of which nothing was counted ends with its size', async (t) => {
  const end = { kind: 'finished', bypass: false, bytes: 1010, files: 3, seconds: 10 } as const;
  t.match(statusOf(after(started, copying, end), 99_000), {
    bytesDone: 1010,
    bytesExpected: 1010,
    percent: 100,
  });
});

t.test('an empty copy is complete when it is over', async (t) => {
  const verifying = { kind: 'phase', phase: 'verifying' } as const;
  t.equal(statusOf(after(started, copying, progress(0, 0), verifying), 3000).percent, 100);
});

t.test('100 % is the end: while files move another pass may follow', async (t) => {
  const events = [started, copying, progress(1000, 1000)];
  t.equal(statusOf(after(...events), 3000).percent, 99.9);
  t.equal(statusOf(after(...events, copying, progress(1000, 2000)), 3000).percent, 99.9, 'not backwards');
  for (const phase of ['finishing', 'verifying'] as const)
    t.equal(statusOf(after(...events, { kind: 'phase', phase }), 3000).percent, 100, phase);
  t.ok(
    (statusOf(after(...events, progress(1000, 2000), { kind: 'phase', phase: 'finishing' }), 3000).percent ??
      0) < 100,
  );
});

t.test('lock time counts while it is held, and stops with the release or the end', async (t) => {
  const locked = after(started, { kind: 'lock', held: true });
  t.equal(statusOf(locked, 5000).lockSeconds, 4);
  const released = reduceTransfer(locked, { kind: 'lock', held: false }, 6000)!;
  t.equal(statusOf(released, 9000).lockSeconds, 5);
  const failure = { kind: 'failed', error: new TransferError('TIMED_OUT', 'too late') } as const;
  t.equal(statusOf(reduceTransfer(locked, failure, 3000)!, 9000).lockSeconds, 2);
});

t.test('a joiner learns who its donor is, and in the end how long that was locked', async (t) => {
  const events: TransferEvent[] = [
    { ...started, role: 'joiner' },
    { kind: 'donor', peer: 'node1 (192.0.2.1)' },
    { kind: 'finished', bypass: false, bytes: 10, files: 3, seconds: 10, donorLockSeconds: 1.5 },
  ];
  const [waiting, copying, over] = [1, 2, 3].map((count) => statusOf(after(...events.slice(0, count)), 9000));
  t.match(waiting, { address: 'node2:4444', peer: undefined, lockSeconds: 0 });
  t.match(copying, { address: 'node2:4444', peer: 'node1 (192.0.2.1)' });
  t.match(over, { peer: 'node1 (192.0.2.1)', lockSeconds: 1.5 });
});

t.test('every end has its outcome, and a failure at the very end is one', async (t) => {
  const bypass = { kind: 'finished', bypass: true, bytes: 0, files: 0, seconds: 0 } as const;
  const failure = {
    kind: 'failed',
    error: new TransferError('TIMED_OUT', 'too late', { hint: 'wait' }),
  } as const;
  t.strictSame(statusOf(after(started, bypass), 2000).outcome, { kind: 'bypassed' });
  for (const events of [[failure], [bypass, failure]])
    t.strictSame(statusOf(after(started, ...events), 2000).outcome, {
      kind: 'failed',
      code: 'TIMED_OUT',
      message: 'too late',
      hint: 'wait',
    });
});
