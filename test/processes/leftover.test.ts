import t from 'tap';
import { judgeListener } from '../../src/processes/leftover.js';
import { ownUser } from '../../src/surroundings.js';

const address = '127.0.0.1';
const { uid } = ownUser();

t.test(
  'a listener of this user whose process cannot be seen is about to be closed, or a privileged one',
  async (t) => {
    t.strictSame(judgeListener({ address, uid }), { kind: 'hidden' });
  },
);

t.test("another user's, whose process cannot be seen, is in use", async (t) => {
  t.strictSame(judgeListener({ address, uid: uid + 1 }), { kind: 'in use' });
});

t.test('a listener without the mark of a transfer is in use', async (t) => {
  t.strictSame(judgeListener({ address, uid, pid: process.pid }), { kind: 'in use' });
});
