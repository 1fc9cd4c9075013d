import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { identify, originOf, type ProcessIdentity } from '../../src/processes/proc.js';

const moduleUrl = (name: string): string => new URL(`../../src/processes/${name}.js`, import.meta.url).href;

/** Starts a process that has a guard look after it, or after a victim, and then does what `script` says. */
async function startGuarded(t: Test, script: string, victim?: ProcessIdentity): Promise<Guarded> {
  const source = `
    import { startHeartbeatGuard } from ${JSON.stringify(moduleUrl('heartbeat'))};
    const guard = startHeartbeatGuard(1000${victim === undefined ? '' : `, ${JSON.stringify(victim)}`});
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

/** The guard's shell, known by the words that it was started with. */
function guardsOf(pid: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((one) => {
      const argv = originOf(one)?.argv ?? [];
      return argv[1] === '-c' && argv[4] === String(pid);
    });
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

t.test('a process that is busy, idle, or stopped for a moment is not killed', async (t) => {
  const busy = 'for (const until = Date.now() + 500; Date.now() < until; );';
  const { child, exited } = await startGuarded(t, `${busy} setTimeout(() => process.exit(7), 2500);`);
  child.kill('SIGSTOP');
  await pause(200);
  child.kill('SIGCONT');
  t.strictSame(await exited, [7, null]);
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
