import t from 'tap';
import { TransferError } from '../../src/errors.js';
import type { TransferEvent } from '../../src/events.js';
import { openLog, type LogFormat } from '../../src/observe/json-log.js';
import { reduceTransfer, statusOf } from '../../src/observe/status.js';

const started: TransferEvent = {
  kind: 'started',
  id: '1a2b3c4d-0000',
  role: 'donor',
  version: '1.0.0',
  address: 'node2:4444',
  dataDir: '/d',
};
const status = statusOf(reduceTransfer(undefined, started, 0)!, 0);

function logAll(format: LogFormat, events: readonly TransferEvent[]): string[] {
  const lines: string[] = [];
  const log = openLog(format, { write: (text) => lines.push(text) });
  for (const event of events) log.event(status, event);
  return lines;
}

t.test('each event is one object in one line, with the transfer that it belongs to', async (t) => {
  const lines = logAll('json', [
    started,
    { kind: 'command', name: 'stream 1', shell: "rsync 'a b'\n" },
    { kind: 'progress', doneBytes: 1, totalBytes: 2, streams: [] },
    { kind: 'failed', error: new TransferError('TIMED_OUT', 'late', { option: 'o', where: 'f:1' }) },
  ]);
  t.equal(lines.length, 3, 'progress is left out');
  for (const line of lines) t.equal(line.indexOf('\n'), line.length - 1);
  const about = { transfer: '1a2b3c4d-0000', role: 'donor', peer: 'node2:4444', phase: 'checking' };
  t.match(JSON.parse(lines[0]!), { ...about, level: 'info', kind: 'started', version: '1.0.0' });
  t.match(JSON.parse(lines[1]!), { ...about, child: 'stream 1', command: "rsync 'a b'\n" });
  t.match(JSON.parse(lines[2]!), { ...about, level: 'error', code: 'TIMED_OUT', option: 'o', where: 'f:1' });
});

t.test('the pretty form is for eyes', async (t) => {
  const [line] = logAll('pretty', [{ kind: 'notice', text: 'something' }]);
  t.match(line, /^\d{4}-\d\d-\d\dT[\d:.]+Z INFO  \[1a2b3c4d donor node2:4444\] something\n$/);
});

t.test('nothing that a peer says can hide in a line', async (t) => {
  const text = 'from CN=a\x9b2J\u202eb\nc';
  const [json = ''] = logAll('json', [{ kind: 'notice', text }]);
  t.match(json, 'CN=a\\u009b2J\\u202eb\\nc');
  t.match(JSON.parse(json), { msg: text }, 'in JSON it is still the same text');
  const [pretty = ''] = logAll('pretty', [{ kind: 'notice', text }]);
  t.match(pretty, / from CN=a\\u009b2J\\u202eb c\n$/);
});

t.test('what belongs to no transfer can be told too', async (t) => {
  const lines: string[] = [];
  const log = openLog('json', { write: (text) => lines.push(text) });
  log.tell('INFO', 'listening', { socket: '/run/s' });
  log.finding({ severity: 'warning', code: 'KEY_EXPOSED', message: 'mode 0644' }, { dataDir: '/d' });
  log.finding({ severity: 'error', code: 'PORT_BUSY', message: 'taken' });
  const [told, warned, failed] = lines.map((line) => JSON.parse(line) as unknown);
  t.match(told, { level: 'info', msg: 'listening', socket: '/run/s' });
  t.match(warned, {
    level: 'warn',
    code: 'KEY_EXPOSED',
    dataDir: '/d',
    msg: /^KEY_EXPOSED: mode 0644 HINT: /,
  });
  t.match(failed, { level: 'error', code: 'PORT_BUSY', msg: /^PORT_BUSY: taken HINT: / });
});
