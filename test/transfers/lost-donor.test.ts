import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { TransferError } from '../../src/errors.js';
import type { GroupMember } from '../../src/processes/group.js';
import { watchForLostDonor } from '../../src/transfers/lost-donor.js';

const said = 'rsync error: error in rsync protocol data stream (code 12)';
const limits = { saysWithinMs: 60, lookEveryMs: 5 };
/** Longer than any test lasts. */
const everyMs = 3_600_000;
const nobody = { isConnected: () => false, readers: () => [], everyMs };
const reader = (pid: number, readBytes: number | undefined): GroupMember => ({
  ...{ pid, parentPid: 1, program: 'rsync', readBytes },
});
const killed = new TransferError('CHILD_FAILED', 'the socat of a connection was ended by SIGKILL');

t.test('a donor that is lost is the reason why the server ends this side', async (t) => {
  const cases = [
    ['INTERRUPTED', 'PEER_FAILED'],
    ['PARENT_GONE', 'PEER_FAILED'],
    ['DISK_FULL', 'DISK_FULL'],
  ] as const;
  for (const [code, expected] of cases) {
    const lost = watchForLostDonor(() => undefined, nobody);
    const error = new TransferError(code, 'ended by SIGTERM');
    t.equal(lost.reasonBehind(error), error, 'as long as no connection broke the reason stands');
    lost.note(said);
    const reason = lost.reasonBehind(error);
    t.match(reason, { code: expected });
    if (expected === 'PEER_FAILED')
      t.match(reason, {
        message: /^the connection from the donor broke.*\(code 12\).*then ended by SIGTERM$/,
      });
    lost.came();
    t.equal(lost.reasonBehind(error), error, 'nor once the donor has come again');
    lost.stop();
  }
});

t.test('what broke a connection here is behind what the donor says of it', async (t) => {
  const lost = watchForLostDonor(() => undefined, nobody);
  lost.note(said, killed);
  lost.came();
  const broke = new TransferError(
    'PEER_FAILED',
    'the donor failed with PEER_FAILED: the connection to the joiner broke',
  );
  t.equal(lost.reasonBehind(broke), killed);
  const full = new TransferError('PEER_FAILED', 'the donor failed with DISK_FULL: no room');
  t.equal(lost.reasonBehind(full), full);
  lost.stop();
});

t.test('one that does not say why is given up after some seconds', async (t) => {
  for (const own of [undefined, killed]) {
    const startedMs = performance.now();
    const reason = await new Promise<TransferError>((resolve) => {
      const readers = (): GroupMember[] => [reader(7, 100), reader(8, undefined)];
      watchForLostDonor(resolve, { isConnected: () => false, readers, everyMs }, limits).note(said, own);
    });
    t.ok(performance.now() - startedMs >= limits.saysWithinMs, 'not before');
    if (own === undefined) t.match(reason, { code: 'PEER_FAILED', message: /the donor has not said why/ });
    else t.equal(reason, own);
  }
});

t.test('one from which something comes is not lost', async (t) => {
  const cases: readonly [string, (lost: ReturnType<typeof watchForLostDonor>) => void][] = [
    ['a connection', (lost) => lost.came()],
    ['bytes', () => (read = 101)],
    ['nothing, but it has another connection', () => (isConnected = true)],
  ];
  let read = 100;
  let isConnected = false;
  for (const [title, come] of cases) {
    read = 100;
    const reasons: TransferError[] = [];
    const lost = watchForLostDonor(
      (error) => reasons.push(error),
      { isConnected: () => isConnected, readers: () => [reader(7, read)], everyMs },
      limits,
    );
    lost.note(said);
    come(lost);
    await wait(3 * limits.saysWithinMs);
    t.same(reasons, [], title);
    isConnected = false;
    lost.note(said);
    while (reasons.length === 0) await wait(5);
    t.equal(reasons.length, 1, 'until the next connection breaks');
  }
});

t.test('one whose idle connections were lost is given up after its next sign of life is due', async (t) => {
  const dueAfterMs = 200;
  const cases: readonly [string, (lost: ReturnType<typeof watchForLostDonor>) => void][] = [
    ['idle ones', (lost) => lost.noteIdle(said)],
    [
      'one that was in use, and after a sign of life idle ones',
      (lost) => {
        lost.note(said);
        lost.came();
        lost.noteIdle(said);
      },
    ],
  ];
  for (const [title, lose] of cases) {
    const startedMs = performance.now();
    const reason = await new Promise<TransferError>((resolve) => {
      lose(watchForLostDonor(resolve, { ...nobody, everyMs: dueAfterMs }, limits));
    });
    t.match(reason, { code: 'PEER_FAILED', message: /the donor has not said why/ }, title);
    t.ok(performance.now() - startedMs >= dueAfterMs + limits.saysWithinMs, `${title}: not before`);
  }
});

t.test('one that has lost a connection in use as well is not waited for any longer', async (t) => {
  const orders = [
    ['note', 'noteIdle'],
    ['noteIdle', 'note'],
  ] as const;
  for (const order of orders) {
    const reason = await new Promise<TransferError>((resolve) => {
      const lost = watchForLostDonor(resolve, nobody, limits);
      for (const kind of order) lost[kind](said);
    });
    t.match(reason, { code: 'PEER_FAILED' }, order.join(', '));
  }
});
