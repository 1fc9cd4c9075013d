import t from 'tap';
import { rsyncFailure } from '../../src/transfers/rsync-failure.js';
import { isFresh, isNearEnd, superviseStream } from '../../src/transfers/streams.js';

t.test(
  'a connection that waits for the lock is used while it is clearly within its time limit',
  async (t) => {
    t.equal(isFresh(0, 120), true);
    t.equal(isFresh(59_999, 120), true);
    t.equal(isFresh(60_000, 120), false, 'half of it');
    t.equal(isFresh(1_000_000, 0), true, 'there is no limit');
  },
);

t.test(
  'a pass is near its end when what is left takes little of the time that all before has taken',
  async (t) => {
    const streams = (...done: number[]): Parameters<typeof isNearEnd>[0] =>
      done.map((doneBytes, index) => ({ name: `stream ${index}`, doneBytes, totalBytes: 1000 }));
    t.equal(isNearEnd(streams(0, 0), 1000), false, 'nothing is sent yet');
    t.equal(isNearEnd(streams(500, 500), 10_000), false, 'ten seconds are left');
    t.equal(isNearEnd(streams(900, 800), 10_000), false, '1.8 s');
    t.equal(isNearEnd(streams(1000, 750), 10_000), true, '1.4 s');
    t.equal(isNearEnd(streams(1000, 1000), 10_000), true);
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
