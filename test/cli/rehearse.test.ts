import t from 'tap';
import { describeCopy, describeOffer, runRehearsal } from '../../src/cli/rehearse.js';
import { screen } from './agent.js';
import { serverIn } from '../check/given.js';

const copy = { state: 'uuid:8', donor: 'node1', bytes: 4e9, files: 321, seconds: 40 };

t.test('a rehearsal says how much came how fast, and how long the donor’s writes waited', async (t) => {
  const complete = 'the copy is complete: 321 files, 4.0 GB from node1 in 40.0 s, 100.0 MB/s, at uuid:8';
  t.strictSame(describeCopy({ ...copy, lockSeconds: 0.123 }, undefined), [
    complete,
    "the donor's writes waited for 0.12 s",
    'the copy has been removed again',
  ]);
  const started = { version: '10.11.19-MariaDB', tables: 112 };
  t.strictSame(describeCopy({ ...copy, donor: undefined, started }, '/srv/backup'), [
    complete.replace('node1', 'the donor'),
    'the donor did not say how long its writes waited: its log does',
    'a server (10.11.19-MariaDB) has started on it and opened all 112 tables',
    'it is in /srv/backup',
  ]);
});

t.test('a donor that is the node itself proves less, which is said', async (t) => {
  const own = { donor: 'node1', isOwnDonor: true };
  const offer = { state: 'uuid:8', bytes: 4e9, files: 321, freeBytes: 5e9 };
  for (const lines of [
    describeCopy({ ...copy, ...own }, undefined),
    describeOffer({ ...offer, ...own }, '/d'),
  ])
    t.match(lines.at(-1), /this very node: nothing was learnt of the network/);
});

t.test('a preflight says what would come, and that nothing has happened', async (t) => {
  const offer = { state: 'uuid:8', donor: 'node1', bytes: 4e9, files: 321, freeBytes: 5e9 };
  t.strictSame(describeOffer(offer, '/var/lib/mysql'), [
    'a transfer would begin: node1 has 321 files with 4.0 GB, at uuid:8',
    '/var/lib/mysql has 5.0 GB free, and what it holds now would be replaced',
    'nothing was locked, nothing was copied',
  ]);
});

t.test('a node without a cluster ends with the error’s status, and prints nothing else', async (t) => {
  const terminal = screen();
  const command = {
    ...{ user: 'root', donor: undefined, scratch: undefined, keepIn: undefined },
    ...{ isVerbose: false, isPreflight: true, startsServer: false },
  };
  t.equal(await runRehearsal({ server: await serverIn(t), ...command }, terminal), 22);
  t.equal(terminal.text(), '');
});
