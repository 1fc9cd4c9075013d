import type { writeSync } from 'node:fs';
import t from 'tap';
import { writeAtOnce } from '../../src/cli/write-at-once.js';

const failing = (code: string): Error => Object.assign(new Error(code), { code });

t.test('a line is written whole, in as many parts as the pipe takes', async (t) => {
  const parts: string[] = [];
  const write = ((_: number, rest: Buffer) => {
    parts.push(rest.toString('utf8', 0, 4));
    return Math.min(4, rest.length);
  }) as typeof writeSync;
  writeAtOnce(1, 'flush tables', () => t.fail('it is read'), write);
  t.equal(parts.join(''), 'flush tables\n');
});

t.test('a full pipe is waited for, not hammered at', async (t) => {
  const until = performance.now() + 100;
  let attempts = 0;
  const write = ((_: number, rest: Buffer) => {
    attempts += 1;
    if (performance.now() < until) throw failing('EAGAIN');
    return rest.length;
  }) as typeof writeSync;
  writeAtOnce(2, 'line', () => t.fail('it is read'), write);
  t.ok(attempts > 1 && attempts <= 21, `${attempts} attempts in 100 ms`);
});

t.test('a reader that has gone is told of once', async (t) => {
  let told = 0;
  const write = (() => {
    throw failing('EPIPE');
  }) as typeof writeSync;
  writeAtOnce(1, 'line', () => (told += 1), write);
  t.equal(told, 1);
});
