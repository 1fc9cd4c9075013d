import t from 'tap';
import { formatStatus, statusLine } from '../../src/cli/format-status.js';
import type { AgentStatus } from '../../src/control/client-interface.js';
import { copied, transferOf } from './agent.js';

// Times are shown as the server's log has them.
process.env['TZ'] = 'Europe/Vienna';

const status = (given: Partial<AgentStatus>): AgentStatus => ({
  version: '1',
  startedAt: '',
  transfers: [],
  checks: [],
  ...given,
});

t.test('a running transfer shows its bar, its streams and their files', async (t) => {
  t.strictSame(formatStatus(status({ transfers: [transferOf()] })), [
    '1a2b3c4d  donor   /var/lib/mysql to node2:4444: copying, 0:14 old, locked for 1.3 s',
    '  [#######-----------------] 1.2 GB of 4.0 GB (30.0 %), 98.2 MB/s, 0:29 left',
    '    copy stream 1: 1.2 GB 40.0 %  shop/orders.ibd',
    '    copy stream 2: 0 B',
  ]);
});

t.test('what is not known yet is left out', async (t) => {
  const waiting = transferOf({
    role: 'joiner',
    peer: undefined,
    phase: 'waiting for donor',
    percent: undefined,
    lockSeconds: 0,
    streams: [],
  });
  t.strictSame(formatStatus(status({ transfers: [waiting] })), [
    '1a2b3c4d  joiner  /var/lib/mysql at node2:4444: waiting for donor, 0:14 old',
  ]);
  const met = { ...waiting, phase: 'offering', peer: 'node1 (192.0.2.1)' } as const;
  t.strictSame(formatStatus(status({ transfers: [met] })), [
    '1a2b3c4d  joiner  /var/lib/mysql from node1 (192.0.2.1): offering, 0:14 old',
  ]);
});

t.test('a transfer that has ended says how', async (t) => {
  const failure = { kind: 'failed', code: 'TIMED_OUT', message: 'too\nlate', hint: 'h' } as const;
  const head = '1a2b3c4d  2026-11-22 00:59:59  donor   /var/lib/mysql to node2:4444:';
  const cases = [
    [copied, `${head} copied 321 files, 4.0 GB at 100.0 MB/s, 0:44, locked for 1.3 s`],
    [transferOf({ outcome: { kind: 'bypassed' }, lockSeconds: 0 }), `${head} no copy needed (IST), 0:14`],
    [transferOf({ outcome: failure }), `${head} failed: TIMED_OUT: too late, 0:14, locked for 1.3 s`],
  ] as const;
  for (const [transfer, line] of cases) {
    t.equal(statusLine(transfer), line);
    t.strictSame(formatStatus(status({ transfers: [transfer] })), [line]);
  }
});

t.test('findings follow, or that there are none', async (t) => {
  const check = { dataDir: '/d', at: '', certificates: [], files: [] };
  const finding = {
    severity: 'error',
    code: 'PORT_BUSY',
    message: 'taken',
    hint: 'end it',
    roles: ['joiner'],
  } as const;
  t.strictSame(formatStatus(status({ checks: [{ ...check, findings: [finding] }] })), [
    'no transfer since the agent started',
    'error (/d, joiner): PORT_BUSY: taken HINT: end it',
  ]);
  t.strictSame(
    formatStatus(status({ checks: [{ ...check, findings: [] }] })).at(-1),
    'self-checks: nothing found',
  );
});

t.test('names from outside cannot move the cursor', async (t) => {
  const lines = formatStatus(status({ transfers: [transferOf({ address: 'a\x1b[2Jb\r\nc' })] }));
  t.equal(lines[0]?.includes('to a [2Jb c:'), true, lines[0] ?? 'nothing');
});
