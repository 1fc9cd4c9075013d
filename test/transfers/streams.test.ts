import t from 'tap';
import { isFresh } from '../../src/transfers/streams.js';

t.test(
  'a connection that waits for the lock is used while it is clearly within its time limit',
  async (t) => {
    t.equal(isFresh(0, 120), true);
    t.equal(isFresh(59_999, 120), true);
    t.equal(isFresh(60_000, 120), false, 'half of it');
    t.equal(isFresh(1_000_000, 0), true, 'there is no limit');
  },
);
