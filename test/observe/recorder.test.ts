import t from 'tap';
import type { TransferEvent } from '../../src/events.js';
import { record, recordOf, type Recording } from '../../src/observe/recorder.js';

const started: TransferEvent = {
  kind: 'started',
  id: 'a',
  role: 'donor',
  version: '1',
  address: 'p',
  dataDir: '/d',
};

function recordAll(events: readonly TransferEvent[]): Recording | undefined {
  return events.reduce<Recording | undefined>(
    (recording, event) => record(recording, event, 5000),
    undefined,
  );
}

t.test('commands and what is said are kept apart, with times', async (t) => {
  const { commands, log, leftOut, status } = recordOf(
    recordAll([
      started,
      { kind: 'command', name: 'stream 1', shell: 'rsync x' },
      { kind: 'child output', name: 'stream 1', line: 'odd' },
      { kind: 'progress', doneBytes: 1, totalBytes: 2, streams: [] },
    ])!,
    6000,
  );
  t.equal(status.ageSeconds, 1);
  t.strictSame(commands, [{ at: '1970-01-01T00:00:05.000Z', name: 'stream 1', shell: 'rsync x' }]);
  t.strictSame(log.map(({ text }) => text).slice(1), ['stream 1 says: odd']);
  t.equal(leftOut, 0);
});

t.test('of a flood the beginning and the end are kept, and long lines are cut', async (t) => {
  const flood = Array.from({ length: 10_000 }, (_, i): TransferEvent => ({
    kind: 'notice',
    text: `line ${i}`,
  }));
  const { log, leftOut } = recordOf(
    recordAll([started, ...flood, { kind: 'notice', text: 'x'.repeat(99_999) }])!,
    0,
  );
  t.equal(log.length + leftOut, 10_002);
  t.equal(log.length, 400);
  t.equal(log[1]?.text, 'line 0');
  t.equal(log.at(-2)?.text, 'line 9999');
  t.equal(log.at(-1)?.text.length, 4001);
});

t.test('nothing is recorded before the start', async (t) => {
  t.equal(recordAll([{ kind: 'notice', text: 'early' }]), undefined);
});
