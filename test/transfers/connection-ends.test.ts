import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { identify } from '../../src/processes/proc.js';
import {
  connectionOf,
  followConnectionEnds,
  understandSocatLine,
  type SocatWord,
} from '../../src/transfers/connection-ends.js';

const limits = { lookEveryMs: 5, knownWithinMs: 200 };

/** Lines of socat 1.7.4.4 with `-d -d`. */
const lines: readonly [string, SocatWord | undefined][] = [
  ['socat[7] N socket 1 (fd 7) is at EOF', { kind: 'peer', pid: 7 }],
  ['socat[7] N socket 2 (fd 6) is at EOF', { kind: 'program', pid: 7 }],
  ['socat[7] E SSL_read(): Connection reset by peer', { kind: 'peer', pid: 7 }],
  ['socat[7] E write(6, 0x7fd21e8c3000, 16): Broken pipe', { kind: 'program', pid: 7 }],
  ['socat[7] E waitpid(): child 8 exited on signal 9', { kind: 'killed', pid: 8, signal: 'SIGKILL' }],
  ['socat[7] E waitpid(): child 8 exited on signal 15', undefined],
  ['socat[7] E waitpid(): child 8 exited with status 143', undefined],
  ['socat[7] N exiting with status 0', { kind: 'left', pid: 7 }],
  ['socat[7] N exit(143)', { kind: 'left', pid: 7 }],
  ['socat[7] W exiting on signal 15', { kind: 'left', pid: 7 }],
  ['socat[7] N childdied(): handling signal 17', undefined],
  ['socat[7] W xioshutdown_openssl(): SSL_shutdown() -> -1', undefined],
];

t.test('a line of the listener tells which side of a connection ended', (t) => {
  for (const [line, said] of lines) t.same(understandSocatLine(`2026/11/28 08:32:03 ${line}`), said, line);
  t.same(
    understandSocatLine('rsync: connection unexpectedly closed (9 bytes received so far) [generator]'),
    undefined,
  );
  t.end();
});

const self = identify(process.pid) ?? { pid: process.pid, startTicks: 0, bootId: '' };
const here = { socat: self, between: [8, 9] };

t.test('the side that ended first has ended the connection', async (t) => {
  const cases = [
    [['socket 1 (fd 7) is at EOF', 'socket 2 (fd 6) is at EOF'], { kind: 'peer' }],
    [['socket 2 (fd 6) is at EOF', 'SSL_read(): closed'], { kind: 'program' }],
    [['waitpid(): child 8 exited on signal 9'], { kind: 'killed', signal: 'SIGKILL' }],
    [['waitpid(): child 88 exited on signal 9'], undefined],
    [[], undefined],
  ] as const;
  for (const [said, end] of cases) {
    const ends = followConnectionEnds(limits);
    t.ok(ends.isOpen(here), 'open before');
    for (const text of said) ends.hear(`2026/11/28 08:32:03 socat[${process.pid}] E ${text}`);
    t.equal(ends.isOpen(here), end === undefined);
    t.same(await ends.whatEnded(here), end, said.join('; '));
  }
});

t.test('a socat that is gone without a word was killed', async (t) => {
  const gone = spawn('true');
  await once(gone, 'exit');
  const cases = [
    ['nobody has its pid', { ...self, pid: gone.pid ?? 0 }],
    ['another process has its pid', { ...self, startTicks: self.startTicks - 1 }],
  ] as const;
  for (const [title, socat] of cases) {
    const connection = { socat, between: [] };
    const ends = followConnectionEnds(limits);
    t.same(await ends.whatEnded(connection), { kind: 'killed', signal: undefined }, title);
    t.notOk(ends.isOpen(connection), title);
    ends.hear(`socat[${socat.pid}] N exiting with status 0`);
    t.same(await ends.whatEnded(connection), undefined, 'one that has said good-bye was not');
  }
});

t.test("an rsync's connection is found from the listener down", (t) => {
  const parents = new Map([
    [20, 19],
    [19, 18],
    [18, 17],
    [17, 10],
    [10, 1],
  ]);
  const parentOf = (pid: number): number | undefined => parents.get(pid);
  const processes = { parentOf, identify: (pid: number) => (pid === 17 ? { ...self, pid } : undefined) };
  t.same(connectionOf(20, 10, processes), { socat: { ...self, pid: 17 }, between: [19, 18] });
  t.same(connectionOf(20, 11, processes), undefined, 'of another listener');
  t.same(connectionOf(99, 10, processes), undefined, 'one that is gone');
  const ended = { parentOf, identify: () => undefined };
  t.same(connectionOf(20, 10, ended), undefined, 'one whose socat is gone');
  t.end();
});
