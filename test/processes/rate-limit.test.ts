import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import type { Test } from 'tap';
import { bytesWritten, childrenOf, nameOf } from '../../src/processes/proc.js';
import { createRateLimit, findStartedSocat, lowestRate } from '../../src/processes/rate-limit.js';

/** A writer with its reader, joined by a socket pair as rsync and its socat are. */
interface Pair {
  readonly writer: number;
  readonly reader: number;
}

async function pair(t: Test): Promise<Pair> {
  // socat itself is the reader; what it starts writes as fast as it can.
  const child = spawn('socat', ['-u', 'EXEC:dd if=/dev/zero bs=64k', 'OPEN:/dev/null'], {
    stdio: 'ignore',
    detached: true,
  });
  const reader = child.pid ?? 0;
  const ended = once(child, 'exit');
  t.teardown(async () => {
    process.kill(-reader, 'SIGKILL');
    await ended;
  });
  for (;;) {
    const writer = childrenOf(reader).find((pid) => nameOf(pid) === 'dd');
    if (writer !== undefined) return { writer, reader };
    await wait(5);
  }
}

/** What moved in all, and the longest time in which nothing did, in s. */
async function watch(pairs: readonly Pair[], ms: number): Promise<{ rate: number; stall: number }> {
  const moved = (): number => pairs.reduce((sum, { writer }) => sum + (bytesWritten(writer) ?? 0), 0);
  const [beganMs, before] = [performance.now(), moved()];
  let [lastMs, last, stallMs] = [beganMs, before, 0];
  while (performance.now() - beganMs < ms) {
    await wait(10);
    const now = moved();
    if (now !== last) [last, lastMs] = [now, performance.now()];
    stallMs = Math.max(stallMs, performance.now() - lastMs);
  }
  return { rate: ((last - before) * 1000) / (performance.now() - beganMs), stall: stallMs / 1000 };
}

t.test('what runs is held to any rate, and never stands still for long', async (t) => {
  const pairs = await Promise.all(Array.from({ length: 3 }, () => pair(t)));
  const limit = createRateLimit();
  const release = pairs.map(({ writer, reader }) => limit.add(writer, () => reader));
  for (const rate of [1e6, 1e7, 4e7, 2e8]) {
    limit.set(rate);
    await wait(500);
    // These write some GB/s: where a busy machine lets one go too far it is paid back, but not within any 3 s.
    const isRight = (seen: { rate: number }): boolean => Math.abs(seen.rate - rate) <= 0.15 * rate;
    let seen = await watch(pairs, 3000);
    for (let ms = 6000; !isRight(seen) && ms <= 12_000; ms += 3000) seen = await watch(pairs, ms);
    t.ok(isRight(seen), `${rate / 1e6} MB/s within 15 %`, seen);
    t.ok(seen.stall <= 0.5, 'no stall', seen);
  }
  for (const end of release) end();
});

t.test('a process that could not be held in time does not get far', async (t) => {
  const one = await pair(t);
  const limit = createRateLimit();
  const release = limit.add(one.writer, () => one.reader);
  limit.set(1e6);
  await wait(1500);
  const before = bytesWritten(one.writer) ?? 0;
  const beganMs = performance.now();
  // Whoever is to hold it has other things to do.
  while (performance.now() - beganMs < 3000) {
    const untilMs = performance.now() + 150;
    while (performance.now() < untilMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const seconds = (performance.now() - beganMs) / 1000;
  const moved = (bytesWritten(one.writer) ?? 0) - before;
  t.ok(moved <= 1.15e6 * seconds + 212_992, 'no more than allowed', { moved, seconds });
  t.ok(moved >= 0.5e6 * seconds, 'and not next to nothing', { moved, seconds });
  release();
});

t.test('a lifted limit lets everything go on', async (t) => {
  const { writer, reader } = await pair(t);
  const limit = createRateLimit();
  const release = limit.add(writer, () => reader);
  limit.set(1);
  t.equal(limit.bytesPerSecond, lowestRate, 'there is a lowest rate');
  await until(() => stateOf(writer) === 'T');
  limit.set(0);
  await until(() => stateOf(writer) !== 'T' && stateOf(reader) !== 'T');
  const before = bytesWritten(writer) ?? 0;
  await until(() => (bytesWritten(writer) ?? 0) > before + 1e8);
  release();
  t.equal(limit.bytesPerSecond, 0);
});

t.test('what is released while it is held goes on', async (t) => {
  const { writer, reader } = await pair(t);
  const limit = createRateLimit(lowestRate);
  const release = limit.add(writer, () => reader);
  await until(() => stateOf(writer) === 'T');
  release();
  await until(() => stateOf(writer) !== 'T' && stateOf(reader) !== 'T');
  t.not(stateOf(writer), 'T');
});

t.test('a process without a partner is held too', async (t) => {
  const child = spawn('dd', ['if=/dev/zero', 'of=/dev/null', 'bs=64k'], { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  const limit = createRateLimit(lowestRate);
  const release = limit.add(child.pid ?? 0);
  await until(() => stateOf(child.pid ?? 0) === 'T');
  release();
  await until(() => stateOf(child.pid ?? 0) !== 'T');
  t.not(stateOf(child.pid ?? 0), 'T');
});

t.test('the socat of an rsync is found behind the shell that waits for it', async (t) => {
  const folder = t.testdir({ data: {}, file: 'x' });
  // As the plan has it; nobody listens, and this socat waits for its input for ever.
  const rsh = "sh -c 'socat -u STDIN,ignoreeof OPEN:/dev/null; s=$?; exit $s'";
  const child = spawn('rsync', [`--rsh=${rsh}`, `${folder}/file`, 'rsync://nobody/module/'], {
    stdio: 'ignore',
    detached: true,
  });
  const ended = once(child, 'exit');
  t.teardown(async () => {
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await ended;
  });
  await until(() => findStartedSocat(child.pid ?? 0) !== undefined);
  t.equal(nameOf(findStartedSocat(child.pid ?? 0) ?? 0), 'socat');
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

function stateOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).charAt(0);
}
