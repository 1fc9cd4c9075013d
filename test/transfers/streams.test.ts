import t from 'tap';
import { rsyncFailure } from '../../src/transfers/rsync-failure.js';
import { isFresh, superviseStream } from '../../src/transfers/streams.js';

t.test(
  'a connection that waits for the lock is used while it is clearly within its time limit',
  async (t) => {
    t.equal(isFresh(0, 120), true);
    t.equal(isFresh(59_999, 120), true);
    t.equal(isFresh(60_000, 120), false, 'half of it');
    t.equal(isFresh(1_000_000, 0), true, 'there is no limit');
  },
);

t.test('a stream ends as soon as one of its files cannot be read', { timeout: 20_000 }, async (t) => {
  const stream = (words: string): ReturnType<typeof superviseStream> =>
    superviseStream(
      { name: 'pass 1 stream 1', program: 'sh', args: ['-c', `echo '${words}' >&2; exec sleep 3`] },
      'changing',
      { id: 'a', emit: () => undefined, signal: new AbortController().signal, rate: undefined },
    );
  const unreadable = stream('rsync: [sender] send_files failed to open "/d/t.ibd": Permission denied (13)');
  const outcome = await unreadable.ended;
  t.match(outcome, { kind: 'signalled', signal: 'SIGTERM' });
  t.match(rsyncFailure(unreadable, outcome), { code: 'FILE_UNREADABLE', message: /t\.ibd/ });
  const changing = stream('rsync: [sender] read errors mapping "/d/t.ibd": No data available (61)');
  t.match(
    await changing.ended,
    { kind: 'exited', code: 0 },
    'but not where it was cut short while it was sent',
  );
});
