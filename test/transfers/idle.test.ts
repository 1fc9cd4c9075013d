import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Config } from '../../src/config/config.js';
import { withinIdleTimeout } from '../../src/transfers/idle.js';

t.test('only what daemons of the donor read keeps a transfer from being idle', async (t) => {
  const program = join(t.testdir(), 'rsync');
  copyFileSync('/bin/dd', program);
  const child = spawn('sh', ['-c', `exec "$0" if=/dev/zero of=/dev/null bs=1 status=none`, program], {
    detached: true,
    stdio: 'ignore',
  });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  const watched = {
    config: { idleTimeoutMs: 600 } as Config,
    listener: { pid: child.pid },
    signal: new AbortController().signal,
    daemonLog: { catchUp: () => undefined, stop: () => undefined },
  };
  const during = <T>(donorProcesses: readonly number[], work: Promise<T>): Promise<T> =>
    withinIdleTimeout({ ...watched, donorProcesses: new Set(donorProcesses) }, work);
  const never = new Promise<never>(() => undefined);
  await t.rejects(during([], never), { code: 'TIMED_OUT' }, 'a stranger');
  const stranger = during([], never).catch(() => 'the stranger counts as idle');
  t.equal(await during([child.pid!], stranger), 'the stranger counts as idle', 'the donor does not');
});
