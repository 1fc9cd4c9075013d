import t from 'tap';
import { showBytes, showPercent, showSeconds, showTime } from '../../src/observe/quantities.js';

t.test('bytes are shown in the unit that leaves few digits', async (t) => {
  const cases: [number, string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [999_949, '999.9 kB'],
    [999_950, '1.0 MB'],
    [4_000_000_000, '4.0 GB'],
    [2.5e15, '2.5 PB'],
    [2.5e19, '25000.0 PB'],
  ];
  for (const [bytes, shown] of cases) t.equal(showBytes(bytes), shown);
});

t.test('times are shown as clocks do', async (t) => {
  const cases: [number, string][] = [
    [0, '0:00'],
    [7.4, '0:07'],
    [59.6, '1:00'],
    [754, '12:34'],
    [3723, '1:02:03'],
    [-1, '0:00'],
  ];
  for (const [seconds, shown] of cases) t.equal(showSeconds(seconds), shown);
});

t.test('times of day are local, in winter and in summer', async (t) => {
  process.env['TZ'] = 'Europe/Vienna';
  t.equal(showTime('2026-11-21T23:59:59.123Z'), '2026-11-22 00:59:59.123');
  t.equal(showTime('2026-07-21T23:59:59.123Z'), '2026-07-22 01:59:59.123');
});

t.test('100 % means all', async (t) => {
  t.equal(showPercent(99.999), '99.9 %');
  t.equal(showPercent(100), '100.0 %');
});
