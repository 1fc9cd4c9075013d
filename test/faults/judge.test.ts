import t from 'tap';
import { judge } from './judge.js';
import { cellName, cells, type Cell } from './table.js';

type Measured = Parameters<typeof judge>[1];

const told = 'CHILD_FAILED: the rsync of a connection was ended by SIGKILL';
const good: Measured = {
  outcome: 'failed',
  ...{ donorWritable: 1, donorEnded: 2, joinerEnded: 2, hits: 1 },
  causes: { donor: `PEER_FAILED: the joiner failed with ${told}`, joiner: told },
  statuses: { donor: '32', joiner: '255' },
};
const brokeOff = {
  donor: 'PEER_FAILED: the connection to the joiner broke',
  joiner: 'PEER_FAILED: the donor failed with PEER_FAILED: the connection to the joiner broke',
};
const goesOn: Measured = { ...good, outcome: 'went on', causes: { donor: '', joiner: '' } };

function cellOf(name: string): Cell {
  const cell = cells.find((one) => cellName(one) === name);
  if (cell === undefined) throw new Error(`no cell ${name}`);
  return cell;
}

const killed = 'one rsync killed on the joiner, unlocked pass';
const stranger = 'stranger: garbage on the joiner, unlocked pass';

const cases: readonly [string, string, Measured, readonly RegExp[]][] = [
  ['the cause that it has', killed, good, []],
  [
    'another cause that both sides agree on',
    killed,
    { ...good, causes: brokeOff, statuses: { donor: '32', joiner: '32' } },
    [/donor names another cause than CHILD_FAILED/, /joiner names another cause/],
  ],
  [
    'a status that is not that of the cause',
    killed,
    { ...good, statuses: { donor: '1', joiner: '255' } },
    [/donor's script ended with 1, not with 32 \(PEER_FAILED\)/],
  ],
  [
    'no status, of a script whose server is gone',
    killed,
    { ...good, statuses: { donor: '32', joiner: '·' } },
    [],
  ],
  [
    'sides that can no longer hear each other and see different things',
    'network cut for good on the donor, final file',
    {
      ...{ ...good, donorWritable: 5, donorEnded: 16, joinerEnded: 12 },
      causes: {
        donor: "PEER_UNREACHABLE: the joiner's host can no longer be reached",
        joiner: 'TIMED_OUT: the donor has sent nothing for 10 s',
      },
      statuses: { donor: '32', joiner: '110' },
    },
    [],
  ],
  [
    'a joiner that nobody could reach, and that waits as long as for any donor',
    'network cut for good on the joiner, handshake',
    {
      ...{ ...good, donorWritable: 5, donorEnded: 10, joinerEnded: 20 },
      causes: {
        donor: 'PEER_UNREACHABLE: cannot connect to the joiner node2:4444: no answer within 10 s',
        joiner: 'TIMED_OUT: no donor came within 20 s',
      },
      statuses: { donor: '32', joiner: '110' },
    },
    [],
  ],
  [
    'a joiner whose donor, stopped while it held the lock, was ended by its guard',
    'stopped for good on the donor, locked pass',
    {
      ...{ ...good, donorWritable: 15, donorEnded: null, joinerEnded: 17 },
      causes: { donor: '', joiner: 'PARENT_GONE: the server (process 7) has ended' },
      statuses: { donor: '10', joiner: '·' },
    },
    [],
  ],
  ['a fault that hits nothing', killed, { ...good, hits: 0 }, [/hit nothing/]],
  ['a donor that is held for long', killed, { ...good, donorWritable: 9 }, [/donor was writable after 9/]],
  ['a transfer that goes on', stranger, goesOn, []],
  ['one that stood still', stranger, { ...goesOn, joinerEnded: 55 }, [/joiner's script ended after 55/]],
  ['one that went on though it was hit', killed, { ...goesOn, donorEnded: 55 }, [/donor's script ended/]],
  ['one that a stranger ended', stranger, good, [/did not go on/]],
  [
    'a joiner whose donor had copied all before it was ended',
    'server killed on the joiner, verification',
    {
      ...{ ...good, joinerEnded: 0.4, done: ['donor'] },
      causes: { donor: '', joiner: 'PARENT_GONE: the server (process 7) has ended' },
      statuses: { donor: '·', joiner: '·' },
    },
    [],
  ],
  [
    'the same of a donor that had not',
    'server killed on the joiner, verification',
    {
      ...{ ...good, joinerEnded: 0.4, done: [] },
      causes: { donor: '', joiner: 'PARENT_GONE: the server (process 7) has ended' },
      statuses: { donor: '·', joiner: '·' },
    },
    [/donor does not say why/],
  ],
  [
    'a joiner whose server Galera ends when the donor was killed',
    'script killed on the donor, verification',
    {
      ...good,
      causes: { donor: '', joiner: 'PARENT_GONE: the server (process 7) has ended' },
      statuses: { donor: '137', joiner: '·' },
    },
    [],
  ],
  [
    'a joiner whose donor is gone without a word',
    'all killed at once (host restart) on the donor, final file',
    {
      ...{ ...good, joinerEnded: 9.5, donorWritable: null },
      causes: { donor: '', joiner: 'TIMED_OUT: the donor has sent nothing for 10 s' },
      statuses: { donor: '·', joiner: '110' },
    },
    [],
  ],
  [
    'one that waits for longer than its limits',
    'all killed at once (host restart) on the donor, final file',
    {
      ...{ ...good, joinerEnded: 29.5, donorWritable: null },
      causes: { donor: '', joiner: 'TIMED_OUT: the donor has sent nothing for 10 s' },
      statuses: { donor: '·', joiner: '110' },
    },
    [/joiner's script ended after 29/],
  ],
  ['a stranger who never came', stranger, { ...goesOn, hits: 0 }, [/hit nothing/]],
];

for (const [title, name, measured, problems] of cases) {
  t.test(title, (t) => {
    const found = judge(cellOf(name), measured);
    t.equal(found.length, problems.length, found.join('; '));
    for (const [index, problem] of problems.entries()) t.match(found[index], problem);
    t.end();
  });
}

t.test('every fault that may end a transfer names its cause', (t) => {
  for (const { fault } of cells) t.ok(fault.isHarmless ?? fault.cause !== undefined, fault.name);
  t.end();
});
