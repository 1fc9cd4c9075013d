import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createNotifier, deliverBySocat } from '../../src/observe/notify.js';

type Env = Readonly<Record<string, string | undefined>>;

function record(env: Env = { NOTIFY_SOCKET: '/run/n' }) {
  const sent: string[][] = [];
  const problems: string[] = [];
  const notifier = createNotifier(
    env,
    42,
    (problem) => problems.push(problem),
    async (socket, lines) => {
      if (lines[0] === 'STOPPING=1') throw new Error(`nobody at ${socket}`);
      sent.push([...lines]);
    },
  );
  return { notifier, sent, problems };
}

t.test('messages arrive in order, and a status that has not changed is not told again', async (t) => {
  const { notifier, sent } = record();
  await Promise.all([
    notifier.ready('idle'),
    notifier.status('idle'),
    notifier.status('10 %\nREADY=0'),
    notifier.alive(),
  ]);
  t.strictSame(sent, [['READY=1', 'STATUS=idle'], ['STATUS=10 % READY=0'], ['WATCHDOG=1']]);
  await notifier.reloading();
  t.match(sent.at(-1), ['RELOADING=1', /^MONOTONIC_USEC=\d+$/]);
});

t.test('a manager that cannot be told is reported, and told again the next time', async (t) => {
  const { notifier, sent, problems } = record();
  await notifier.stopping();
  await notifier.alive();
  t.strictSame(problems, ['Error: nobody at /run/n']);
  t.strictSame(sent, [['WATCHDOG=1']]);
});

t.test('without a manager nothing is done', async (t) => {
  const { notifier, sent } = record({});
  await notifier.ready('idle');
  t.strictSame(sent, []);
});

t.test('signs of life are due at half the time of the watchdog, if it watches this process', async (t) => {
  const cases: [Env, number | undefined][] = [
    [{}, undefined],
    [{ WATCHDOG_USEC: '120000000' }, 60_000],
    [{ WATCHDOG_USEC: '120000000', WATCHDOG_PID: '42' }, 60_000],
    [{ WATCHDOG_USEC: '120000000', WATCHDOG_PID: '43' }, undefined],
    [{ WATCHDOG_USEC: '0' }, undefined],
    [{ WATCHDOG_USEC: 'soon' }, undefined],
  ];
  for (const [env, expected] of cases) t.equal(record(env).notifier.aliveEveryMs, expected);
});

t.test('socat carries a message', async (t) => {
  const directory = t.testdir();
  const socket = join(directory, 'a,b:c');
  const arrived = new Promise<string>((resolve) => {
    const watcher = watch(directory, () => {
      const text = existsSync(join(directory, 'out')) ? readFileSync(join(directory, 'out'), 'utf8') : '';
      if (text.endsWith('busy\n')) resolve(text);
    });
    t.teardown(() => watcher.close());
  });
  const manager = spawn('socat', ['-d', '-d', '-u', 'UNIX-RECV:a\\,b\\:c', 'OPEN:out,creat,append'], {
    cwd: directory,
  });
  t.teardown(() => manager.kill());
  await once(manager.stderr, 'data');
  while (!existsSync(socket)) await once(manager.stderr, 'data');
  await deliverBySocat(socket, ['READY=1', 'STATUS=busy']);
  t.equal(await arrived, 'READY=1\nSTATUS=busy\n');
});

t.test('a socket that is not there is an error', async (t) => {
  await t.rejects(deliverBySocat('/nonexistent/notify', ['READY=1']), {
    message: /socat to .*No such file/,
  });
});
