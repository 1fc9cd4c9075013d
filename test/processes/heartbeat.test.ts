import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { childrenOf, identify, originOf, type ProcessIdentity } from '../../src/processes/proc.js';

const moduleUrl = (name: string): string => new URL(`../../src/processes/${name}.js`, import.meta.url).href;

/** Starts a process that has a guard look after it, or after a victim, and then does what `script` says. */
async function startGuarded(
  t: Test,
  script: string,
  victim?: ProcessIdentity,
  others: readonly ProcessIdentity[] = [],
): Promise<Guarded> {
  const source = `
    import { startHeartbeatGuard } from ${JSON.stringify(moduleUrl('heartbeat'))};
    const guard = startHeartbeatGuard(1000, ${JSON.stringify(others)}${victim === undefined ? '' : `, ${JSON.stringify(victim)}`});
    const keepAlive = setInterval(() => undefined, 1000);
    console.log('guarded');
    ${script}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  // It may end before anybody asks.
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  return { child, exited };
}

interface Guarded {
  readonly child: ChildProcess;
  readonly exited: Promise<unknown[]>;
}

/** The guard's shell, known by the words that it was started with; what it starts has the same ones until its exec. */
function guardsOf(pid: number): number[] {
  const shells = readdirSync('/proc')
    .map(Number)
    .filter((one) => {
      const argv = originOf(one)?.argv ?? [];
      return argv[1] === '-c' && argv[4] === String(pid);
    });
  const started = shells.flatMap((shell) => childrenOf(shell));
  return shells.filter((shell) => !started.includes(shell));
}

/** What a guard has that waits for the next beat. */
function waitingOf(guard: number): number[] {
  return childrenOf(guard).filter((pid) => originOf(pid)?.argv.slice(0, 4).join(' ') === 'timeout -s ALRM 1');
}

const untilWaiting = (guard: number): Promise<number[]> => untilSome(() => waitingOf(guard));

async function untilSome(look: () => number[]): Promise<number[]> {
  for (;;) {
    const found = look();
    if (found.length > 0) return found;
    await pause(5);
  }
}

/** It may have ended. */
function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has.
  }
}

async function untilUnguarded(pid: number): Promise<void> {
  while (guardsOf(pid).length > 0) await pause(10);
}

t.test('a process that is stopped is killed', async (t) => {
  const { child, exited } = await startGuarded(t, '');
  t.equal(guardsOf(child.pid!).length, 1);
  child.kill('SIGSTOP');
  t.strictSame(await exited, [null, 'SIGKILL']);
  await untilUnguarded(child.pid!);
});

t.test('what its server waits for with it is killed, too, and nothing else', async (t) => {
  const shells = await Promise.all(
    [0, 1].map(async () => {
      const shell = spawn('sleep', ['1000']);
      t.teardown(() => shell.kill('SIGKILL'));
      await once(shell, 'spawn');
      shell.kill('SIGSTOP');
      return { shell, exited: once(shell, 'exit'), identity: identify(shell.pid!)! };
    }),
  );
  const [meant, another] = shells as [(typeof shells)[0], (typeof shells)[0]];
  const others = [{ ...another.identity, startTicks: 1 }, meant.identity];
  const { child, exited } = await startGuarded(t, '', undefined, others);
  child.kill('SIGSTOP');
  t.strictSame(await exited, [null, 'SIGKILL']);
  t.strictSame(await meant.exited, [null, 'SIGKILL']);
  await untilUnguarded(child.pid!);
  t.equal(another.shell.signalCode, null, 'another process has this pid');
});

t.test('a process that is busy, idle, or stopped for a moment is not killed', async (t) => {
  const busy = 'for (const until = Date.now() + 500; Date.now() < until; );';
  const { child, exited } = await startGuarded(t, `${busy} setTimeout(() => process.exit(7), 2500);`);
  child.kill('SIGSTOP');
  await pause(200);
  child.kill('SIGCONT');
  t.strictSame(await exited, [7, null]);
  await untilUnguarded(child.pid!);
});

t.test('a process that was stopped together with its guard is not killed when both go on', async (t) => {
  const { child } = await startGuarded(t, "setInterval(() => console.log('turns'), 100);");
  const [guard] = guardsOf(child.pid!);
  const [timer] = await untilWaiting(guard!);
  const [reader] = await untilSome(() => childrenOf(timer!));
  const tree = [guard!, timer!, reader!];
  t.teardown(() => tree.forEach((pid) => trySignal(pid, 'SIGCONT')));
  for (const pid of [child.pid!, ...tree]) process.kill(pid, 'SIGSTOP');
  await pause(1500);
  const turned = once(child.stdout!, 'data');
  child.kill('SIGCONT');
  await turned;
  for (const pid of tree) trySignal(pid, 'SIGCONT');
  await untilSome(() => (child.signalCode === null ? waitingOf(guard!).filter((pid) => pid !== timer) : [0]));
  t.equal(child.signalCode, null, 'the guard waits for the next beat');
  const exited = once(child, 'exit');
  child.kill('SIGSTOP');
  t.strictSame(await exited, [null, 'SIGKILL'], 'and kills when none comes');
  await untilUnguarded(child.pid!);
});

t.test('a process whose guard was dismissed may stand still', async (t) => {
  const { child } = await startGuarded(t, 'guard.dismiss();');
  await untilUnguarded(child.pid!);
  t.notOk(child.signalCode, 'the guard has ended without it');
});

t.test('a guard does not keep its process, and ends with it', async (t) => {
  const ended = await startGuarded(t, 'clearInterval(keepAlive);');
  t.strictSame(await ended.exited, [0, null]);
  await untilUnguarded(ended.child.pid!);
  const { child: killed } = await startGuarded(t, '');
  killed.kill('SIGKILL');
  await untilUnguarded(killed.pid!);
});

t.test('the process is known by more than its pid', async (t) => {
  const victim = spawn('sleep', ['1000']);
  t.teardown(() => victim.kill('SIGKILL'));
  const exited = once(victim, 'exit');
  await once(victim, 'spawn');
  const identity = identify(victim.pid!)!;
  for (const startTicks of [identity.startTicks - 1, identity.startTicks]) {
    const { child } = await startGuarded(t, '', { ...identity, startTicks });
    child.kill('SIGSTOP');
    await untilUnguarded(victim.pid!);
    const isMeant = startTicks === identity.startTicks;
    if (isMeant) t.strictSame(await exited, [null, 'SIGKILL']);
    else t.equal(victim.exitCode ?? victim.signalCode, null, 'another process has this pid');
    child.kill('SIGKILL');
  }
});
