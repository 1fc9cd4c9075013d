import { spawnSync } from 'node:child_process';
import t from 'tap';
import { tellIfKilled } from '../../src/plan/tunnel.js';
import { killedBy } from '../../src/processes/killed.js';

t.test('a shell tells of a program that was killed, and of no other end', async (t) => {
  const cases = [
    ['kill -9 $$', { program: 'socat', signal: 'SIGKILL' }],
    ['kill -SEGV $$', { program: 'socat', signal: 'SIGSEGV' }],
    ['kill -TERM $$', undefined],
    ['exit 12', undefined],
    ['exit 0', undefined],
  ] as const;
  for (const [command, expected] of cases) {
    const script = `sh -c '${command}'; ${tellIfKilled('socat')}; exit $s`;
    const { stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
    t.strictSame(killedBy(stderr), expected, command);
  }
});
