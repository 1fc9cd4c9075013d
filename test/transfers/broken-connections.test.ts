import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { donorConnections, judgeBroken } from '../../src/transfers/broken-connections.js';
import { followConnectionEnds, type ConnectionEnd } from '../../src/transfers/connection-ends.js';

const text = 'rsync error: error in rsync protocol data stream (code 12)';

t.test('what broke a connection, and whether files came through it, decides what follows', async (t) => {
  const killed = { kind: 'killed', signal: 'SIGKILL' } as const;
  const cases: readonly [ConnectionEnd | undefined, boolean, string][] = [
    [{ kind: 'peer' }, false, 'noteIdle'],
    [{ kind: 'peer' }, true, 'note'],
    [killed, false, 'note own'],
    [killed, true, 'fail'],
    [undefined, false, 'note'],
    [undefined, true, 'note'],
  ];
  for (const [end, isForked, expected] of cases) {
    const did: string[] = [];
    const broken = judgeBroken(
      {
        ...{ hear: () => undefined, forget: () => undefined },
        isOpen: () => false,
        whatEnded: () => Promise.resolve(end),
      },
      {
        opened: () => undefined,
        of: () => ({ socat: { pid: 7, startTicks: 0, bootId: '' }, between: [] }),
        isAnyOpen: () => false,
      },
      {
        note: (_, own) => did.push(own === undefined ? 'note' : 'note own'),
        noteIdle: () => did.push('noteIdle'),
      },
      () => did.push('fail'),
    );
    broken.broke(text, 9, isForked);
    await broken.settled();
    t.strictSame(did, [expected], `${end?.kind ?? 'unknown'}, ${isForked ? 'files came' : 'idle'}`);
  }
});

t.test('what was said of an earlier process with the same pid does not count', async (t) => {
  // The shells stand for the socat, and for what it has started; the last one for rsync's daemon.
  const shell = spawn('sh', ['-c', `sh -c 'sh -c "echo \\$PPID \\$\\$; read _; :"; :'; :`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(() => shell.stdin.end());
  const [line] = (await once(shell.stdout, 'data')) as [Buffer];
  const [between, daemon] = line.toString().trim().split(' ').map(Number);
  for (const said of [
    `socat[${shell.pid}] N socket 1 (fd 7) is at EOF`,
    `socat[1] E waitpid(): child ${shell.pid} exited on signal 9`,
    `socat[1] E waitpid(): child ${between} exited on signal 9`,
  ]) {
    const ends = followConnectionEnds({ lookEveryMs: 5, knownWithinMs: 50 });
    const connections = donorConnections(ends, process.pid);
    ends.hear(said);
    connections.opened(daemon ?? 0);
    t.same(connections.of(daemon ?? 0)?.between, [between]);
    t.ok(connections.isAnyOpen(), said);
    ends.hear(said);
    t.notOk(connections.isAnyOpen(), 'what is said of it afterwards does');
  }
});
