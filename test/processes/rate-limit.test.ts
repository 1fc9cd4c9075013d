import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import t from 'tap';
import type { Test } from 'tap';
import { createRateLimit, lowestRate, nextLookMs, refill } from '../../src/processes/rate-limit.js';

t.test('a bucket fills with time, is emptied by bytes, and holds a short burst', async (t) => {
  const rate = 1000;
  t.equal(refill(0, { rate, elapsedMs: 100, sent: 40 }), 60);
  t.equal(refill(0, { rate, elapsedMs: 60_000, sent: 0 }), 200);
  t.equal(refill(-500, { rate, elapsedMs: 100, sent: 0 }), -400);
});

t.test('the next look is when a debt is paid or the bucket empty', async (t) => {
  const state = { rate: 1_000_000, elapsedMs: 10 };
  t.equal(nextLookMs({ ...state, tokens: -50_000, sent: 0, isStopped: true }), 50);
  t.equal(nextLookMs({ ...state, tokens: -5e9, sent: 0, isStopped: true }), 100, 'at least every 100 ms');
  t.equal(nextLookMs({ ...state, tokens: 200_000, sent: 50_000, isStopped: false }), 40);
  t.equal(nextLookMs({ ...state, tokens: 1000, sent: 1e8, isStopped: false }), 5, 'at most every 5 ms');
  t.equal(nextLookMs({ ...state, tokens: 1000, sent: 0, isStopped: false }), 100);
});

/** A process that writes as fast as it can. */
async function writer(t: Test): Promise<{ child: ChildProcess; pid: number }> {
  const child = spawn('dd', ['if=/dev/zero', 'of=/dev/null', 'bs=64k'], { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  return { child, pid: child.pid ?? 0 };
}

const written = (pid: number): number =>
  Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);

t.test('two processes share a rate', async (t) => {
  const [one, two] = [await writer(t), await writer(t)];
  const limit = createRateLimit();
  const release = [one, two].map(({ pid }) => limit.add(pid));
  const before = written(one.pid) + written(two.pid);
  const startMs = performance.now();
  limit.set(1_000_000_000);
  while (performance.now() - startMs < 1500) await new Promise((resolve) => setTimeout(resolve, 50));
  const rate = (written(one.pid) + written(two.pid) - before) / ((performance.now() - startMs) / 1000);
  t.ok(rate < 1.5e9 && rate > 0.4e9, 'about what is allowed', { rate });
  for (const end of release) end();
});

t.test('a lifted limit lets a stopped process go on', async (t) => {
  const { pid } = await writer(t);
  const limit = createRateLimit();
  const release = limit.add(pid);
  limit.set(1);
  t.equal(limit.bytesPerSecond, lowestRate, 'there is a lowest rate');
  while (stateOf(pid) !== 'T') await new Promise((resolve) => setImmediate(resolve));
  limit.set(0);
  while (stateOf(pid) === 'T') await new Promise((resolve) => setImmediate(resolve));
  const before = written(pid);
  while (written(pid) === before) await new Promise((resolve) => setImmediate(resolve));
  release();
  t.equal(limit.bytesPerSecond, 0);
});

t.test('a process that is released while it is stopped goes on', async (t) => {
  const { pid } = await writer(t);
  const limit = createRateLimit(lowestRate);
  const release = limit.add(pid);
  while (stateOf(pid) !== 'T') await new Promise((resolve) => setImmediate(resolve));
  release();
  while (stateOf(pid) === 'T') await new Promise((resolve) => setImmediate(resolve));
  t.not(stateOf(pid), 'T');
});

function stateOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).charAt(0);
}
