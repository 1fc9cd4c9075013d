import t from 'tap';
import { mayDiffer, SentFiles } from '../../src/datadir/changes.js';
import type { InventoryFile } from '../../src/datadir/inventory.js';
import { ClockWatch } from '../../src/transfers/clock-watch.js';
import { recordTransfer } from './context.js';

const hour = 3_600_000;
const startMs = 1e12;

/** A clock that has been set, `steadyMs` after the watch began, to so much more than it was. */
function watched(): { time: { steadyMs: number; setByMs: number }; watch: ClockWatch } {
  const time = { steadyMs: 0, setByMs: 0 };
  const now = (): Date => new Date(startMs + time.steadyMs + time.setByMs);
  return { time, watch: new ClockWatch(now, () => 500 + time.steadyMs) };
}

const old: InventoryFile = {
  ...{ place: 'data', path: 'shop/a.ibd', size: 1, dev: 1, ino: 2, allocated: 512 },
  ...{ mtimeMs: startMs - hour, ctimeMs: startMs - hour },
};

t.test('what was sent before a leap of the clock counts as not sent', (t) => {
  const cases: readonly [setByMs: number, says: RegExp | undefined][] = [
    [0, undefined],
    [999, undefined],
    [-999, undefined],
    [1001, /has leapt 1\.0 s forward \(set, or the host was suspended\): what was sent before/],
    [-1001, /has leapt 1\.0 s back: what was sent before/],
    [hour, /has leapt 3600\.0 s forward/],
    [-hour, /has leapt 3600\.0 s back/],
  ];
  for (const [setByMs, says] of cases) {
    const { time, watch } = watched();
    const sent = new SentFiles();
    const transfer = recordTransfer();
    watch.doubtAfterLeap({ sent, hashes: undefined }, transfer);
    sent.set(old, { takenMs: watch.look() });
    time.steadyMs = 9 * hour;
    time.setByMs = setByMs;
    watch.look();
    t.equal(mayDiffer(old, sent.get(old)), says !== undefined, `set by ${setByMs} ms`);
    t.equal(sent.isDoubted, says !== undefined);
    sent.set(old, { takenMs: watch.look() });
    watch.look();
    t.notOk(mayDiffer(old, sent.get(old)), 'what is sent after it counts');
    t.notOk(sent.isDoubted);
    const texts = transfer.events.map((event) => (event.kind === 'notice' ? event.text : event.kind));
    t.equal(texts.length, says === undefined ? 0 : 1, 'it is told once');
    if (says !== undefined) t.match(texts[0], says);
  }
  t.end();
});

t.test('many small leaps count as the large one that they make', (t) => {
  const { time, watch } = watched();
  const sent = new SentFiles();
  watch.doubtAfterLeap({ sent, hashes: undefined }, recordTransfer());
  sent.set(old, { takenMs: watch.look() });
  for (time.setByMs = -300; time.setByMs > -1000; time.setByMs -= 300) watch.look();
  t.notOk(sent.isDoubted);
  watch.look();
  t.ok(sent.isDoubted);
  t.end();
});

t.test('nothing is told where nothing was sent', (t) => {
  const { time, watch } = watched();
  const transfer = recordTransfer();
  watch.doubtAfterLeap({ sent: new SentFiles(), hashes: undefined }, transfer);
  time.setByMs = hour;
  watch.look();
  t.strictSame(transfer.events, []);
  t.end();
});

t.test('a pass that begins right after a leap does not take what is being written for old', (t) => {
  const { time, watch } = watched();
  time.steadyMs = 8000;
  const written = { ...old, mtimeMs: startMs + 8000, ctimeMs: startMs + 8000 };
  const isResent = (): boolean => {
    const sent = new SentFiles();
    sent.set(written, { takenMs: watch.look() });
    return mayDiffer(written, sent.get(written));
  };
  time.steadyMs = 8100;
  time.setByMs = 60_000;
  t.equal(watch.look(), startMs + 8100, 'as if it had not been set forward');
  t.ok(isResent());
  time.steadyMs = 12_900;
  t.ok(isResent(), 'nor does the next one');
  time.steadyMs = 13_100;
  t.notOk(isResent(), 'when it is old it counts as such');
  time.setByMs = -60_000;
  t.equal(watch.look(), startMs - 46_900, 'set back it counts as it is');
  t.end();
});
