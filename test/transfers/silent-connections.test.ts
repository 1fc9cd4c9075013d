import { once } from 'node:events';
import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { EmitEvent } from '../../src/events.js';
import { processesOf } from '../../src/processes/proc.js';
import { endSilentConnections, strangersAmong } from '../../src/transfers/silent-connections.js';
import { recordTransfer } from './context.js';

const listener = { pid: 10, parentPid: 1, name: 'socat' };
const guard = { pid: 11, parentPid: 10, name: 'sh' };
const serving = [
  { pid: 20, parentPid: 10, name: 'socat' },
  { pid: 21, parentPid: 20, name: 'sh' },
  { pid: 22, parentPid: 21, name: 'rsync' },
];

const nobody = (): boolean => false;

t.test(
  'strangers are the connections that have started nothing, or nothing that has let them in',
  async (t) => {
    const silent = { pid: 30, parentPid: 10, name: 'socat' };
    t.strictSame(strangersAmong([listener, guard], 10, nobody), []);
    t.strictSame(
      strangersAmong([listener, guard, ...serving], 10, (pid) => pid === 22),
      [],
    );
    t.strictSame(strangersAmong([listener, guard, ...serving], 10, nobody), [{ pid: 20, hasShaken: true }]);
    const waiting = { pid: 23, parentPid: 22, name: 'sh' };
    t.strictSame(
      strangersAmong([listener, guard, ...serving, waiting], 10, nobody),
      [],
      'it waits for a message',
    );
    t.strictSame(
      strangersAmong([listener, guard, ...serving, silent], 10, (pid) => pid === 22),
      [{ pid: 30, hasShaken: false }],
    );
    t.strictSame(strangersAmong([guard, silent], 10, nobody), [], 'a listener that is gone has none');
  },
);

/** Stands for a listener: processes of its own name, of which the first two have a child. */
const crowd = `
exec 3<&0
for n in 1 2; do sh -c 'sleep 60 & wait' & done
for n in 1 2 3; do sh -c 'read -r _' <&3 & done
echo ready; wait`;

/** Starts it, ended with the test. */
async function startCrowd(
  t: Test,
  script = crowd,
): Promise<{ readonly pid: number; readonly stdin: Writable }> {
  const child = spawn('sh', ['-c', script], { detached: true, stdio: ['pipe', 'pipe', 'ignore'] });
  const pid = child.pid!;
  t.teardown(() => process.kill(-pid, 'SIGKILL'));
  await once(child.stdout, 'data');
  return { pid, stdin: child.stdin };
}

t.test('only connections that stay silent are ended', async (t) => {
  const { pid } = await startCrowd(t);
  const own = (): number => processesOf(pid).filter(({ parentPid }) => parentPid === pid).length;
  t.equal(own(), 5);
  let told = (): void => undefined;
  const ended = new Promise<void>((resolve) => (told = resolve));
  const { events } = recordTransfer();
  const limits = { usualMs: 300, crowdedMs: 1, crowd: 100, lookEveryMs: 20 };
  const emit: EmitEvent = (event) => {
    events.push(event);
    told();
  };
  const silent = endSilentConnections(pid, nobody, emit, limits);
  t.teardown(() => silent.stop());
  silent.connected();
  await ended;
  t.match(events, [
    { kind: 'notice', text: 'ended 3 connections that did not come through a TLS handshake within 0.3 s' },
  ]);
});

t.test('somebody who has connected is looked for, however late a process serves him', async (t) => {
  const { pid, stdin } = await startCrowd(t, `echo ready; read -r _; ${crowd}`);
  let told = (): void => undefined;
  const ended = new Promise<void>((resolve) => (told = resolve));
  const limits = { usualMs: 100, crowdedMs: 1, crowd: 100, lookEveryMs: 300 };
  const silent = endSilentConnections(pid, nobody, told, limits);
  t.teardown(() => silent.stop());
  silent.connected();
  await wait(450);
  silent.connected();
  // The second look finds nobody either.
  await wait(250);
  stdin.write('\n');
  await ended;
  t.pass('the third one does');
});

t.test('in a crowd they have less time', async (t) => {
  const { pid } = await startCrowd(t);
  let told = (): void => undefined;
  const ended = new Promise<void>((resolve) => (told = resolve));
  const limits = { usualMs: 3_600_000, crowdedMs: 100, crowd: 3, lookEveryMs: 20 };
  const silent = endSilentConnections(pid, nobody, told, limits);
  t.teardown(() => silent.stop());
  silent.connected();
  await ended;
  t.pass('without waiting for an hour');
});

t.test('in a crowd also those are ended that have shaken hands and do not log in', async (t) => {
  const { pid } = await startCrowd(t);
  const findDonor = (): number | undefined => processesOf(pid).find(({ name }) => name === 'sleep')?.pid;
  let donor = findDonor();
  // The shell is ready before its child has become sleep.
  for (; donor === undefined; donor = findDonor()) await wait(5);
  const texts: string[] = [];
  const limits = { usualMs: 3_600_000, crowdedMs: 100, crowd: 4, lookEveryMs: 20 };
  const silent = endSilentConnections(
    pid,
    (one) => one === donor,
    (event) => texts.push(JSON.stringify(event)),
    limits,
  );
  t.teardown(() => silent.stop());
  silent.connected();
  const own = (): number => processesOf(pid).filter(({ parentPid }) => parentPid === pid).length;
  while (own() > 1) await wait(10);
  t.match(texts.join(), 'ended 4 connections that did not log in within 0.1 s');
  t.ok(
    processesOf(pid).some((one) => one.pid === donor),
    'the donor stays',
  );
});
