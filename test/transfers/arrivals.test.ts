import t from 'tap';
import { Arrivals } from '../../src/transfers/arrivals.js';

t.test('acts once, when connections for files that have ended have brought so much', async (t) => {
  const arrivals = new Arrivals();
  arrivals.began(1);
  arrivals.delivered(1, 50);
  let acted = 0;
  arrivals.whenArrived(100, () => (acted += 1));
  for (const pid of [2, 3, 4]) arrivals.began(pid);
  arrivals.delivered(2, 60);
  t.equal(acted, 0, 'what came before does not count');
  arrivals.delivered(9, 100);
  t.equal(acted, 0, 'nor what is no connection for files');
  arrivals.delivered(2, 60);
  t.equal(acted, 0, 'nor does one twice');
  arrivals.delivered(3, 40);
  t.equal(acted, 1);
  arrivals.delivered(4, 100);
  t.equal(acted, 1);
});

t.test('nobody is told who does not wait any more', async (t) => {
  const arrivals = new Arrivals();
  const forget = arrivals.whenArrived(1, () => t.fail('forgotten'));
  let acted = false;
  forget();
  arrivals.whenArrived(1, () => (acted = true));
  forget();
  arrivals.began(1);
  arrivals.delivered(1, 1);
  t.ok(acted, 'and the next one is');
});
