import t from 'tap';
import { TransferError } from '../../src/errors.js';
import type { TransferEvent } from '../../src/events.js';
import { describeEvent, serverLogLine, type Level } from '../../src/observe/server-log.js';

const now = new Date(2026, 0, 2, 3, 4, 5, 6);

t.test('a line has the form that administrators search for', async (t) => {
  t.equal(serverLogLine('INFO', 'text', now), 'WSREP_SST: [INFO] text (20260102 03:04:05.006)');
  t.equal(
    serverLogLine('WARNING', 'text', new Date(2026, 10, 21, 23, 59, 59, 123)),
    'WSREP_SST: [WARNING] text (20261121 23:59:59.123)',
  );
});

t.test('nothing breaks out of its line', async (t) => {
  const text = 'a\nWSREP_SST: [ERROR] b\r\n\0c\x1b[31md\x7f\te é';
  t.equal(
    serverLogLine('ERROR', text, now),
    'WSREP_SST: [ERROR] a WSREP_SST: [ERROR] b c [31md \te é (20260102 03:04:05.006)',
  );
});

t.test('nothing in a line can hide, or show in another order than it was written', async (t) => {
  const text = `CN=a\x9b2J\x85b\u2028c\u2029d\u202egro.live\u202c\u2066e\u2069\u200ff\ufeff`;
  t.equal(
    serverLogLine('INFO', text, now),
    'WSREP_SST: [INFO] CN=a\\u009b2J\\u0085b\\u2028c\\u2029d\\u202egro.live\\u202c\\u2066e\\u2069\\u200ff\\ufeff (20260102 03:04:05.006)',
  );
});

const finished = {
  kind: 'finished',
  bypass: false,
  bytes: 2_500_000,
  files: 3,
  seconds: 2,
  lockSeconds: 0.54,
} as const;

const described: [TransferEvent, Level | undefined, string][] = [
  [
    { kind: 'started', id: 'i', role: 'donor', version: '0.1.0', address: 'node1:4444', dataDir: '/d' },
    'INFO',
    'galera-sst-tunnel 0.1.0: transfer i as donor, address node1:4444',
  ],
  [{ kind: 'phase', phase: 'waiting for lock' }, 'INFO', 'phase: waiting for lock'],
  [{ kind: 'notice', text: 'something' }, 'INFO', 'something'],
  [
    {
      kind: 'finding',
      finding: {
        severity: 'warning',
        code: 'KEY_EXPOSED',
        message: 'mode 0644',
        option: 'tkey',
        where: '/my.cnf:3',
        hint: 'chmod',
      },
    },
    'WARNING',
    'KEY_EXPOSED: mode 0644 (tkey at /my.cnf:3) HINT: chmod',
  ],
  [{ kind: 'command', name: 'stream 1', shell: 'rsync x' }, 'INFO', 'stream 1: rsync x'],
  [{ kind: 'child output', name: 'stream 1', line: 'odd' }, 'INFO', 'stream 1 says: odd'],
  [{ kind: 'child ended', name: 'stream 1', outcome: { kind: 'exited', code: 1 } }, undefined, ''],
  [{ kind: 'progress', doneBytes: 1, totalBytes: 2, streams: [] }, undefined, ''],
  [{ kind: 'lock', held: true }, 'INFO', 'the server holds its global read lock'],
  [{ kind: 'lock', held: false }, 'INFO', 'told the server to continue'],
  [finished, 'INFO', 'sent 3 files, 2500000 bytes in 2.0 s (1.3 MB/s), writes were locked for 0.5 s'],
  [
    { ...finished, lockSeconds: undefined },
    'INFO',
    'the copy is complete: received 3 files, 2500000 bytes in 2.0 s (1.3 MB/s)',
  ],
  [
    { ...finished, bypass: true },
    'INFO',
    'no state snapshot needed: an incremental state transfer (IST) follows',
  ],
  [
    { kind: 'failed', error: new TransferError('PORT_BUSY', 'taken', { hint: 'end it' }) },
    'ERROR',
    'PORT_BUSY: taken HINT: end it',
  ],
];

t.test('every event is described, or known not to belong into the log', async (t) => {
  for (const [event, level, text] of described) {
    t.strictSame(describeEvent(event), level === undefined ? undefined : { level, text }, event.kind);
  }
});

t.test('only a failure is an error', async (t) => {
  for (const [event, level] of described) t.equal(level === 'ERROR', event.kind === 'failed');
});
