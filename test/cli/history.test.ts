import t from 'tap';
import { formatRecord, runHistory, runShow } from '../../src/cli/history.js';
import { agentWith, copied, screen, transferOf } from './agent.js';

// Times are shown as the server's log has them.
process.env['TZ'] = 'Europe/Vienna';

const failed = transferOf({
  outcome: { kind: 'failed', code: 'TIMED_OUT', message: 'late', hint: 'look' },
});
const record = {
  status: failed,
  commands: [{ at: '2026-11-21T23:59:59.123Z', name: 'stream 1', shell: "rsync 'a b'" }],
  log: [{ at: '2026-11-21T23:59:59.124Z', level: 'WARNING' as const, text: 'odd' }],
  leftOut: 7,
};

t.test('past transfers are listed with the newest at the end, as many as are wanted', async (t) => {
  const client = agentWith([{ transfers: [failed, copied, copied] }]);
  const terminal = screen();
  await runHistory(client, { json: false, limit: 2 }, terminal);
  t.match(terminal.text(), /^[^\n]*copied[^\n]*\n[^\n]*failed[^\n]*\n$/);
  const empty = screen();
  await runHistory(agentWith([{}]), { json: false, limit: 2 }, empty);
  t.equal(empty.text(), 'no transfer yet\n');
});

t.test('one transfer is shown with its commands and its log', async (t) => {
  t.strictSame(formatRecord(record), [
    'transfer 1a2b3c4d-5e6f, version 1.0.0, data directory /var/lib/mysql',
    '1a2b3c4d  2026-11-22 00:59:59  donor   /var/lib/mysql to node2:4444: failed: TIMED_OUT: late, 0:14, locked for 1.3 s',
    'HINT: look',
    '',
    'commands:',
    "  00:59:59.123  stream 1: rsync 'a b'",
    '',
    'log:',
    '  00:59:59.124  WARNING  odd',
    '  (7 lines were not kept)',
  ]);
});

t.test('JSON is the record as it is', async (t) => {
  const terminal = screen();
  await runShow(agentWith([{}], record), '1a', { json: true }, terminal);
  t.strictSame(JSON.parse(terminal.text()), JSON.parse(JSON.stringify(record)));
});
