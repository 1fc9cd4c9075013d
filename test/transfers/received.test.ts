import t from 'tap';
import { receiversAmong } from '../../src/transfers/received.js';

t.test('of the processes of a listener those count that write files', async (t) => {
  t.strictSame(
    receiversAmong([
      { pid: 1, parentPid: 0, name: 'socat' },
      { pid: 2, parentPid: 1, name: 'socat' },
      { pid: 3, parentPid: 2, name: 'rsync' },
      { pid: 4, parentPid: 3, name: 'rsync' },
      { pid: 5, parentPid: 1, name: 'socat' },
      { pid: 6, parentPid: 5, name: 'rsync' },
    ]),
    [4],
  );
});
