import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { TransferError, errorTable } from '../../src/errors.js';
import type { Command } from '../../src/plan/command.js';
import { findMarked } from '../../src/processes/proc.js';
import { childFailure, describeOutcome, supervise } from '../../src/processes/supervise.js';
import { recordEvents } from './events.js';

function shell(script: string): Command {
  return { name: 'stream 1', program: 'sh', args: ['-c', script] };
}

t.test('command, output and end of a child are events, in this order', async (t) => {
  const supervision = recordEvents('t1');
  const heard: string[] = [];
  const command = {
    ...shell('echo out; echo err >&2; exit 3'),
    env: { PASS: 'hidden' },
    secretEnv: ['PASS'],
  };
  const child = supervise(command, supervision, { onStdout: (line) => heard.push(line) });
  t.strictSame(await child.ended, { kind: 'exited', code: 3 });
  t.strictSame(supervision.events, [
    { kind: 'command', name: 'stream 1', shell: `PASS="$SECRET" sh -c 'echo out; echo err >&2; exit 3'` },
    { kind: 'child output', name: 'stream 1', line: 'err' },
    { kind: 'child ended', name: 'stream 1', outcome: { kind: 'exited', code: 3 } },
  ]);
  t.strictSame(heard, ['out']);
});

t.test('a child that reads input waits for it, another has none', async (t) => {
  const supervision = recordEvents('t3');
  const heard: string[] = [];
  const listen = { onStdout: (line: string): void => void heard.push(line) };
  const reading = supervise({ ...shell('echo begin; cat'), readsInput: true }, supervision, listen);
  const other = supervise(shell('cat'), supervision, listen);
  t.strictSame(await other.ended, { kind: 'exited', code: 0 });
  reading.feed(['one\n', 'two\n']);
  t.strictSame(await reading.ended, { kind: 'exited', code: 0 });
  t.strictSame(heard, ['begin', 'one', 'two']);
  const gone = supervise({ ...shell('exit 0'), readsInput: true }, supervision);
  await gone.ended;
  t.doesNotThrow(() => gone.feed(['x'.repeat(1e6)]));
});

t.test('lines that a listener has understood are neither events nor last words', async (t) => {
  const supervision = recordEvents('t2');
  const child = supervise(shell('echo routine >&2; echo odd >&2'), supervision, {
    onStderr: (line) => line === 'routine',
  });
  await child.ended;
  t.strictSame(child.lastWords(), ['odd']);
  t.strictSame(supervision.events.filter(({ kind }) => kind === 'child output').length, 1);
});

t.test('what socat remarks of every connection is passed over', async (t) => {
  const supervision = recordEvents('t5');
  const said = '2026/11/28 16:23:42 socat[368] W OpenSSL: Warning: this implementation does not check CRLs';
  const child = supervise(shell(`echo '${said}' >&2; echo '${said}, no' >&2; exit 24`), supervision);
  await child.ended;
  t.strictSame(child.lastWords(), [`${said}, no`]);
  t.notOk(supervision.events.some((event) => event.kind === 'child output' && event.line === said));
});

t.test('the last six lines are kept', async (t) => {
  const child = supervise(
    shell('for i in 1 2 3 4 5 6 7 8; do echo $i >&2; done; exit 1'),
    recordEvents('t3'),
  );
  const outcome = await child.ended;
  t.strictSame(child.lastWords(), ['3', '4', '5', '6', '7', '8']);
  t.match(childFailure(child, outcome), {
    code: 'CHILD_FAILED',
    message: 'stream 1: sh exited with status 1: 3; 4; 5; 6; 7; 8',
    exitStatus: 255,
  });
});

t.test('an abort ends the child and all its children at once', async (t) => {
  const supervision = recordEvents(randomUUID());
  let up = (): void => undefined;
  const isUp = new Promise<void>((resolve) => (up = resolve));
  const child = supervise(shell('trap "" TERM; sleep 1000 & echo up; wait'), supervision, {
    onStdout: () => up(),
  });
  await isUp;
  supervision.abort(new TransferError('INTERRUPTED', 'ended by SIGTERM'));
  t.strictSame(await child.ended, { kind: 'signalled', signal: 'SIGKILL' });
  for (let tries = 0; tries < 500 && findMarked(supervision.transferId).length > 0; tries++) await pause(10);
  t.strictSame(findMarked(supervision.transferId), []);
});

t.test('nothing is started after an abort', async (t) => {
  const supervision = recordEvents('t4');
  supervision.abort(new TransferError('INTERRUPTED', 'ended by SIGTERM'));
  t.throws(() => supervise(shell('exit 0'), supervision), { code: 'INTERRUPTED' });
  t.strictSame(supervision.events, []);
});

t.test('stopping asks first and insists after the grace', async (t) => {
  const cases = [
    ['trap "exit 9" TERM; echo up; while :; do sleep 0.01; done', 60_000, { kind: 'exited', code: 9 }],
    ['trap "" TERM; echo up; while :; do sleep 0.01; done', 50, { kind: 'signalled', signal: 'SIGKILL' }],
  ] as const;
  for (const [script, graceMs, outcome] of cases) {
    let up = (): void => undefined;
    const isUp = new Promise<void>((resolve) => (up = resolve));
    const child = supervise(shell(script), recordEvents('t5'), { onStdout: () => up() });
    await isUp;
    await child.stop(graceMs);
    t.strictSame(await child.ended, outcome);
    await child.stop(graceMs);
  }
});

t.test('a child that could not be started ended so', async (t) => {
  const supervision = recordEvents('t6');
  const child = supervise({ ...shell('exit 0'), cwd: '/no/such/directory' }, supervision);
  const outcome = await child.ended;
  t.equal(outcome.kind, 'failed to start');
  t.match(
    childFailure(child, outcome, 'INTERNAL', 'hint').message,
    /^stream 1: sh could not be started: .*ENOENT/s,
  );
  t.match(supervision.events.at(-1), { kind: 'child ended', outcome: { kind: 'failed to start' } });
});

t.test('an outcome is described in words', async (t) => {
  t.equal(describeOutcome('rsync', { kind: 'exited', code: 12 }), 'rsync exited with status 12');
  t.equal(describeOutcome('socat', { kind: 'signalled', signal: 'SIGKILL' }), 'socat was ended by SIGKILL');
  t.equal(
    describeOutcome('socat', { kind: 'failed to start', cause: new Error('ENOENT') }),
    'socat could not be started: ENOENT',
  );
});

t.test('a failure keeps the code and the hint that it is given', async (t) => {
  const child = supervise(shell('exit 5'), recordEvents('t7'));
  const outcome = await child.ended;
  t.match(childFailure(child, outcome, 'PEER_FAILED', 'look there'), {
    code: 'PEER_FAILED',
    message: 'stream 1: sh exited with status 5',
    hint: 'look there',
  });
  t.equal(childFailure(child, outcome, 'PEER_FAILED').hint, errorTable.PEER_FAILED.hint);
});
