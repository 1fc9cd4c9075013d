import t from 'tap';
import { findReceivers } from '../../src/processes/receivers.js';

t.test('of the processes of a listener those count that write files', async (t) => {
  const processes: Readonly<Record<number, readonly [parent: number, name: string]>> = {
    2: [1, 'socat'],
    3: [2, 'sh'],
    4: [3, 'rsync'],
    5: [4, 'rsync'],
    6: [1, 'socat'],
    7: [6, 'rsync'],
    8: [1, 'socat'],
    9: [8, 'rsync'],
    10: [9, 'rsync'],
  };
  const childrenOf = (pid: number): number[] =>
    Object.entries(processes).flatMap(([child, [parent]]) => (parent === pid ? [Number(child)] : []));
  t.strictSame(findReceivers(1, { childrenOf, nameOf: (pid) => processes[pid]?.[1] }), [
    { pid: 5, socat: 2 },
    { pid: 10, socat: 8 },
  ]);
});
