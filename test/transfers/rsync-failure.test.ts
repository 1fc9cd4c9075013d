import t from 'tap';
import type { ChildOutcome } from '../../src/events.js';
import type { SupervisedChild } from '../../src/processes/supervise.js';
import { rsyncFailure } from '../../src/transfers/rsync-failure.js';

function failure(outcome: ChildOutcome, ...words: string[]): ReturnType<typeof rsyncFailure> {
  const child: SupervisedChild = {
    command: { name: 'copy stream 1', program: 'rsync', args: [] },
    pid: undefined,
    ended: Promise.resolve(outcome),
    lastWords: () => words,
    feed: () => undefined,
    stop: () => Promise.resolve(),
  };
  return rsyncFailure(child, outcome);
}

const socat = (text: string): string => `2026/11/22 00:23:26 socat[6209] E ${text}`;

const byWords = [
  [5, '@ERROR: auth failed on module rsync_tunnel_sst', 'SECRET_REFUSED'],
  [11, 'rsync: [receiver] write failed on "/d/x.ibd" (in m): No space left on device (28)', 'DISK_FULL'],
  [11, 'rsync: [receiver] write failed on "/d/x.ibd" (in m): Disk quota exceeded (122)', 'DISK_FULL'],
  [23, 'rsync: [sender] send_files failed to open "/d/x.ibd": Permission denied (13)', 'FILE_UNREADABLE'],
  [
    12,
    socat('SSL_connect(): error:0A000086:SSL routines::certificate verify failed'),
    'CERTIFICATE_UNTRUSTED',
  ],
  [12, socat('SSL_connect(): error:0A000418:SSL routines::tlsv1 alert unknown ca'), 'PEER_REJECTED_US'],
  [
    12,
    socat('certificate is valid but its commonName does not match hostname "node1"'),
    'CERTIFICATE_NAME_MISMATCH',
  ],
] as const;

/** What a program said last is for those who know it: before it stands what happened. */
const inPlainWords = [
  [
    5,
    socat('connect(5, AF=2 127.0.0.1:14446, 16): Connection refused'),
    'PEER_UNREACHABLE',
    /^the joiner no longer listens/,
  ],
  [
    5,
    socat('connect(5, AF=2 192.0.2.1:4444, 16): No route to host'),
    'PEER_UNREACHABLE',
    /^the joiner's host can no longer be reached/,
  ],
  [
    5,
    socat('connect(5, AF=2 192.0.2.1:4444, 16): Network is unreachable'),
    'PEER_UNREACHABLE',
    /^the joiner's host can/,
  ],
  [
    5,
    socat('connect(5, AF=2 192.0.2.1:4444, 16): Connection timed out'),
    'PEER_UNREACHABLE',
    /^the joiner's host can/,
  ],
  [
    5,
    socat('SSL_connect(): Connection reset by peer'),
    'PEER_UNREACHABLE',
    /^the joiner closed the connection/,
  ],
  [5, 'rsync: did not see server greeting', 'PEER_UNREACHABLE', /^the joiner ended the connection before/],
  [
    12,
    'rsync: connection unexpectedly closed (0 bytes received so far) [sender]',
    'PEER_FAILED',
    /^the connection to the joiner broke/,
  ],
  [12, '', 'PEER_FAILED', /^the connection to the joiner broke/],
  [
    30,
    'rsync error: io timeout after 10 seconds',
    'TIMED_OUT',
    /^the joiner has taken nothing for as long as sst-idle-timeout/,
  ],
] as const;

t.test('a connection that broke is told in plain words', async (t) => {
  for (const [code, words, expected, says] of inPlainWords) {
    const error = failure({ kind: 'exited', code }, ...(words === '' ? [] : [words]));
    t.equal(error.code, expected, words);
    t.match(error.message, says);
    t.match(error.message, `(copy stream 1: rsync exited with status ${code}`);
  }
});

t.test('a socat that was killed is named, whatever rsync makes of it', async (t) => {
  const closed = 'rsync: connection unexpectedly closed (0 bytes received so far) [sender]';
  const error = failure({ kind: 'exited', code: 12 }, 'socat was killed with status 137', closed);
  t.equal(error.code, 'CHILD_FAILED');
  t.equal(error.message, 'copy stream 1: its socat was ended by SIGKILL');
});

t.test('clear words decide, whatever the exit status', async (t) => {
  for (const [code, words, expected] of byWords) {
    const error = failure({ kind: 'exited', code }, words);
    t.equal(error.code, expected, words);
    t.equal(error.message, `copy stream 1: rsync exited with status ${code}: ${words}`);
  }
});

const byStatus = [
  [1, 'CHILD_FAILED'],
  [2, 'PEER_PROTOCOL'],
  [4, 'PEER_PROTOCOL'],
  [5, 'PEER_PROTOCOL'],
  [10, 'PEER_FAILED'],
  [11, 'CHILD_FAILED'],
  [12, 'PEER_FAILED'],
  [23, 'COPY_INCOMPLETE'],
  [24, 'COPY_INCOMPLETE'],
  [30, 'TIMED_OUT'],
  [35, 'TIMED_OUT'],
  [127, 'CHILD_FAILED'],
] as const;

t.test('otherwise the exit status decides', async (t) => {
  for (const [code, expected] of byStatus)
    t.equal(failure({ kind: 'exited', code }, 'words').code, expected, String(code));
  t.equal(failure({ kind: 'signalled', signal: 'SIGKILL' }).code, 'CHILD_FAILED');
  t.equal(failure({ kind: 'failed to start', cause: new Error('ENOENT') }).code, 'CHILD_FAILED');
});
