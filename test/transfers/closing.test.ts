import t from 'tap';
import { closingAfterwards, type CloseLater } from '../../src/transfers/closing.js';

const failing = (what: string) => (): never => {
  throw new Error(what);
};

/** Opens three things; what `then` does decides how the work ends. */
async function open(closed: string[], then: () => string, closeB: () => void = () => undefined) {
  return closingAfterwards(async (closeLater: CloseLater) => {
    closeLater(() => void closed.push('a'));
    closeLater(() => {
      closed.push('b');
      closeB();
    });
    closeLater(async () => {
      await Promise.resolve();
      closed.push('c');
    });
    return then();
  });
}

t.test('what was opened is closed, the last first, however the work ends', async (t) => {
  const closed: string[] = [];
  t.equal(await open(closed, () => 'done'), 'done');
  t.strictSame(closed.splice(0), ['c', 'b', 'a']);
  await t.rejects(open(closed, failing('work')), { message: 'work' });
  t.strictSame(closed, ['c', 'b', 'a']);
});

t.test('what closing throws keeps nothing else open, and does not hide why the work failed', async (t) => {
  const closed: string[] = [];
  await t.rejects(
    open(closed, () => 'done', failing('close')),
    { message: 'close' },
  );
  t.strictSame(closed.splice(0), ['c', 'b', 'a']);
  await t.rejects(open(closed, failing('work'), failing('close')), { message: 'work' });
  t.strictSame(closed, ['c', 'b', 'a']);
});
