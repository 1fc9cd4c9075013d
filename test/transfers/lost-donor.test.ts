import t from 'tap';
import { TransferError } from '../../src/errors.js';
import { watchForLostDonor } from '../../src/transfers/lost-donor.js';

const said = 'rsync error: error in rsync protocol data stream (code 12)';

t.test('a donor that is lost is the reason why the server ends this side', async (t) => {
  const cases = [
    ['INTERRUPTED', 'PEER_FAILED'],
    ['PARENT_GONE', 'PEER_FAILED'],
    ['DISK_FULL', 'DISK_FULL'],
  ] as const;
  for (const [code, expected] of cases) {
    const lost = watchForLostDonor(() => undefined);
    const error = new TransferError(code, 'ended by SIGTERM');
    t.equal(lost.reasonBehind(error), error, 'as long as no connection broke the reason stands');
    lost.note(said);
    const reason = lost.reasonBehind(error);
    lost.stop();
    t.match(reason, { code: expected });
    if (expected === 'PEER_FAILED')
      t.match(reason, {
        message: /^the connection from the donor broke.*\(code 12\).*then ended by SIGTERM$/,
      });
  }
});

t.test('one that does not say why is given up after some seconds', async (t) => {
  const clock = t.intercept(globalThis, 'setTimeout', {
    value: (act: () => void, ms: number) => {
      t.equal(ms, 6000);
      act();
      return undefined;
    },
  });
  let reason: TransferError | undefined;
  watchForLostDonor((error) => (reason = error)).note(said);
  clock.restore();
  t.match(reason, { code: 'PEER_FAILED', message: /the donor has not said why/ });
});
