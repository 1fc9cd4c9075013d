import t from 'tap';
import { beyondLimit, formatStart, measureStart } from './start.js';

t.test('each start is measured as often as was asked, and shown beside its limit', async (t) => {
  const measured = await measureStart(1);
  t.equal(measured.length, 3);
  for (const { what, timesMs } of measured) {
    t.equal(timesMs.length, 1, what);
    t.ok(timesMs.every((ms) => ms > 1 && ms < 30_000));
  }
  t.match(formatStart([{ what: 'x', limitMs: 80, timesMs: [70, 60, 90] }]), '| x | 70 | 60 | 80 |');
});

t.test('what takes longer than it may is told from what does not', async (t) => {
  const [fast, slow, free] = [
    { what: 'fast', limitMs: 80, timesMs: [70, 60, 90] },
    { what: 'slow', limitMs: 80, timesMs: [81, 60, 90] },
    { what: 'free', timesMs: [1000] },
  ];
  t.strictSame(beyondLimit([fast, slow, free]), [slow]);
  t.strictSame(beyondLimit([{ ...fast, timesMs: [] }]).length, 1, 'nor is one that was not measured');
});
