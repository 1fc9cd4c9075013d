import t from 'tap';
import { judgeBroken } from '../../src/transfers/broken-connections.js';
import type { ConnectionEnd } from '../../src/transfers/connection-ends.js';

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
      { hear: () => undefined, isOpen: () => false, whatEnded: () => Promise.resolve(end) },
      { opened: () => undefined, of: () => ({ socat: 7, between: [] }), isAnyOpen: () => false },
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
