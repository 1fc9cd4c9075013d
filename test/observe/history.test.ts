import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openHistory } from '../../src/observe/history.js';
import type { TransferRecord } from '../../src/observe/recorder.js';
import { reduceTransfer, statusOf } from '../../src/observe/status.js';

function recordOf(id: string, text = ''): TransferRecord {
  const started = { kind: 'started', id, role: 'joiner', version: '1', address: 'p', dataDir: '/d' } as const;
  return {
    status: statusOf(reduceTransfer(undefined, started, 0)!, 1000),
    commands: [],
    log: [{ at: '', level: 'INFO', text }],
    leftOut: 0,
  };
}

t.test('what was saved is found again, newest first, by another instance too', async (t) => {
  const directory = join(t.testdir(), 'state');
  const history = openHistory(directory);
  t.strictSame(history.list(), []);
  for (const id of ['aa1', 'ab2', 'b']) history.save(recordOf(id));
  const again = openHistory(directory);
  t.strictSame(
    again.list().map(({ id }) => id),
    ['b', 'ab2', 'aa1'],
  );
  t.strictSame(again.find('ab'), JSON.parse(JSON.stringify(recordOf('ab2'))));
  t.equal(again.find('a'), undefined, 'an ambiguous beginning finds nothing');
  t.equal(again.find('b')?.status.id, 'b', 'a whole id is found though others begin with it');
  t.equal(again.find('c'), undefined);
});

t.test('what an agent that was killed had noted is among what failed, and only that', async (t) => {
  const directory = t.testdir();
  const killed = openHistory(directory);
  for (const id of ['ended', 'cut']) killed.note(recordOf(id, 'as far as it came'));
  killed.save(recordOf('ended', 'whole'));
  writeFileSync(join(directory, 'running-damaged.json'), '{"status"');
  const next = openHistory(directory);
  t.match(next.takeOver(), [{ id: 'cut', outcome: { kind: 'failed', code: 'AGENT_GONE' } }]);
  t.match(next.find('cut'), { log: [{ text: 'as far as it came' }], status: { endedAt: /^20/ } });
  t.match(next.find('ended'), { log: [{ text: 'whole' }] });
  t.strictSame(next.takeOver(), [], 'once');
  t.strictSame(readdirSync(directory), ['history.ndjson']);
});

t.test('a transfer that ended while the history could not be written is not lost', async (t) => {
  const directory = t.testdir();
  const history = openHistory(directory);
  history.note(recordOf('a', 'as far as it came'));
  // As on a full file system: nothing can be written where this is.
  mkdirSync(join(directory, 'history.ndjson'));
  t.throws(() => history.save(recordOf('a', 'whole')));
  const next = openHistory(directory);
  t.throws(() => next.takeOver());
  rmSync(join(directory, 'history.ndjson'), { recursive: true });
  t.match(next.takeOver(), [{ id: 'a', outcome: { code: 'AGENT_GONE' } }]);
  t.match(next.find('a'), { log: [{ text: 'as far as it came' }] });
});

t.test('a transfer that the history has stays as it is, also when its note was left', async (t) => {
  const directory = t.testdir();
  const killed = openHistory(directory);
  killed.note(recordOf('a', 'as far as it came'));
  copyFileSync(join(directory, 'running-a.json'), join(directory, 'kept'));
  killed.save(recordOf('a', 'whole'));
  // Killed between the two steps.
  renameSync(join(directory, 'kept'), join(directory, 'running-a.json'));
  const next = openHistory(directory);
  t.strictSame(next.takeOver(), []);
  t.match(next.find('a'), { log: [{ text: 'whole' }] });
  t.strictSame(readdirSync(directory), ['history.ndjson']);
});

t.test('a transfer that is saved again replaces what was known of it', async (t) => {
  const history = openHistory(t.testdir());
  for (const text of ['one', 'two']) history.save(recordOf('a', text));
  t.equal(history.list().length, 1);
  t.equal(history.find('a')?.log[0]?.text, 'two');
});

t.test('the oldest go when there are too many or they are too large; the newest stays', async (t) => {
  const directory = t.testdir();
  const few = openHistory(directory, { transfers: 2, bytes: 1e6 });
  for (const id of ['a', 'b', 'c']) few.save(recordOf(id));
  t.strictSame(
    few.list().map(({ id }) => id),
    ['c', 'b'],
  );
  const small = openHistory(directory, { transfers: 9, bytes: 1000 });
  small.save(recordOf('d', 'x'.repeat(2000)));
  t.strictSame(
    small.list().map(({ id }) => id),
    ['d'],
  );
});

t.test(
  'damaged lines are passed over, and a write that a crash cut short leaves the file as it was',
  async (t) => {
    const directory = t.testdir();
    const history = openHistory(directory);
    history.save(recordOf('a'));
    appendFileSync(
      join(directory, 'history.ndjson'),
      '\0\0\0\n{"status":{"id":"b"}}\n[]\nnull\n{"status":{"id":"c',
    );
    writeFileSync(join(directory, 'history.ndjson.new'), '{"stat');
    t.strictSame(
      history.list().map(({ id }) => id),
      ['a'],
    );
    history.save(recordOf('d'));
    t.strictSame(
      history.list().map(({ id }) => id),
      ['d', 'a'],
    );
    t.match(readFileSync(join(directory, 'history.ndjson'), 'utf8'), /"d"/);
  },
);
