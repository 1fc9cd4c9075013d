import t from 'tap';
import { readProgress } from '../../src/transfers/streams.js';

t.test('bytes are read from the progress that rsync shows', async (t) => {
  const cases = [
    ['     32,768   0%    0.00kB/s    0:00:00  ', 32_768],
    ['  1,234,567,890  45%  612.34MB/s    0:00:02 (xfr#3, to-chk=1/5)', 1_234_567_890],
    ['            0 100%    0.00kB/s    0:00:00 (xfr#1, to-chk=0/2)', 0],
    ['      12345  100%', 12_345],
    ['', undefined],
    ['sending incremental file list', undefined],
    ['sent 1,234 bytes  received 35 bytes', undefined],
    ['a 12 50%', undefined],
  ] as const;
  for (const [line, bytes] of cases) t.equal(readProgress(line), bytes, line);
});
