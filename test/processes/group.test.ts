import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { hasRead, membersOf, type GroupMember } from '../../src/processes/group.js';

/** A process group whose leader starts `cat`, which gives back every line that it is sent. */
async function echo(t: { teardown: (act: () => void) => void }): Promise<ChildProcess> {
  const child = spawn('sh', ['-c', 'cat; :'], { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await say(child, 'first');
  return child;
}

async function say(child: ChildProcess, line: string): Promise<void> {
  child.stdin?.write(`${line}\n`);
  await once(child.stdout!, 'data');
}

t.test('the members of a group are the leader and its children', async (t) => {
  const child = await echo(t);
  const members = membersOf(child.pid!);
  t.same(members.map(({ program }) => program).sort(), ['cat', 'sh']);
  t.ok(members.some(({ pid }) => pid === child.pid));
  t.same(
    membersOf(process.pid).some(({ pid }) => pid === child.pid),
    false,
    'it is in no other group',
  );
  child.stdin?.end();
  await once(child, 'exit');
  t.same(membersOf(child.pid!), []);
});

t.test('bytes that one of them reads are seen, also from a pipe', async (t) => {
  const child = await echo(t);
  const before = membersOf(child.pid!);
  t.notOk(hasRead(before, membersOf(child.pid!)), 'it waits');
  await say(child, 'second');
  t.ok(hasRead(before, membersOf(child.pid!)));
});

const one: GroupMember = { pid: 10, parentPid: 9, program: 'rsync', readBytes: 100 };
const cases: [string, GroupMember[], GroupMember[], boolean][] = [
  ['no process', [], [], false],
  ['a process that stands still', [one], [one], false],
  ['a process that has read', [one], [{ ...one, readBytes: 101 }], true],
  ['a new process', [one], [one, { ...one, pid: 11 }], true],
  ['a process that has ended', [one], [], false],
  [
    'a process that cannot be seen',
    [{ ...one, readBytes: undefined }],
    [{ ...one, readBytes: undefined }],
    true,
  ],
];
for (const [title, before, now, expected] of cases) {
  t.test(`${title} is ${expected ? '' : 'no '}activity`, (t) => {
    t.equal(hasRead(before, now), expected);
    t.end();
  });
}
