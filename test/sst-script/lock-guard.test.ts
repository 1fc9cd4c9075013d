import t from 'tap';
import { guardingLock, standstillLimit } from '../../src/sst-script/lock-guard.js';
import { findMarked } from '../../src/processes/proc.js';
import { Material } from './material.js';
import { startDonor, waitingPair } from './pair.js';

t.test('a guard is there from before the server can lock until it is told to go on', async (t) => {
  const ends: [string, string[]][] = [
    ['continue', ['guard', 'flush tables', 'work', 'continue', 'dismissed']],
    ['done 6b1d:7 0', ['guard', 'flush tables', 'work', 'done 6b1d:7 0', 'dismissed']],
  ];
  for (const [end, expected] of ends) {
    const happened: string[] = [];
    const write = guardingLock(
      (line) => happened.push(line),
      () => {
        happened.push('guard');
        return Promise.resolve({ dismiss: () => happened.push('dismissed') });
      },
    );
    for (const line of ['flush tables', 'work', end]) write(line);
    await Promise.resolve().then(() => undefined);
    t.strictSame(happened, expected);
  }
});

t.test('a guard that cannot be started keeps no line back', async (t) => {
  const said: string[] = [];
  const write = guardingLock(
    (line) => said.push(line),
    () => Promise.reject(new Error('EAGAIN')),
  );
  for (const line of ['flush tables', 'continue', 'flush tables', 'continue']) write(line);
  await Promise.resolve();
  t.equal(said.length, 4);
});

t.test('the limit is that of idleness, but never short, and never none', async (t) => {
  for (const [idleMs, limitMs] of [
    [1000, 13_000],
    [60_000, 63_000],
    [0, 123_000],
  ] as const)
    t.equal(standstillLimit(idleMs), limitMs);
});

t.test('a donor that is stopped under the lock is ended, which unlocks its server', async (t) => {
  const material = await Material.create();
  t.teardown(() => material.destroy());
  const pair = await waitingPair(t, material, { sst: { 'sst-idle-timeout': '1', precopy: '0' } });
  const donor = startDonor(pair);
  await donor.said(/^flush tables$/);
  process.kill(donor.pid, 'SIGSTOP');
  t.equal(await donor.ended, 'SIGKILL');
  while (findMarked(donor.transferId() ?? '').length > 0)
    await new Promise((resolve) => setTimeout(resolve, 10));
  t.strictSame(pair.donor.privateFiles(), []);
  await pair.joining.ended;
});
