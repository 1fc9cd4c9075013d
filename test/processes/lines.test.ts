import { Readable } from 'node:stream';
import t from 'tap';
import { readLines } from '../../src/processes/lines.js';

async function linesOf(chunks: readonly (string | Buffer)[]): Promise<string[]> {
  const lines: string[] = [];
  const stream = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  readLines(stream, (line) => lines.push(line));
  await new Promise((resolve) => stream.once('close', resolve));
  return lines;
}

const euro = Buffer.from('€');

t.test('lines are cut at every line end, wherever the chunks are cut', async (t) => {
  const cases: [string, (string | Buffer)[], string[]][] = [
    ['nothing', [], []],
    ['one line', ['a\n'], ['a']],
    ['a last line without its end', ['a\nb'], ['a', 'b']],
    ['carriage returns of a progress display', ['\r 1%\r 2%\n'], [' 1%', ' 2%']],
    ['CRLF cut in the middle', ['a\r', '\nb\r\n'], ['a', 'b']],
    ['empty lines are left out', ['\n\na\n\n'], ['a']],
    ['a line in many chunks', ['a', 'b', 'c\nd'], ['abc', 'd']],
    ['a character cut in the middle', [euro.subarray(0, 1), euro.subarray(1), '\n'], ['€']],
    ['bytes that are no UTF-8', [Buffer.from([0x61, 0xff, 0x0a])], ['a\ufffd']],
  ];
  for (const [about, chunks, lines] of cases) t.strictSame(await linesOf(chunks), lines, about);
});

t.test('a line that is too long is cut, and the next one is whole', async (t) => {
  const long = 'x'.repeat(10_000);
  const cut = 'x'.repeat(16_384);
  t.strictSame(await linesOf([long, long, long, '\nnext\n']), [cut, 'next'], 'in several chunks');
  t.strictSame(await linesOf([`${long}${long}\nnext`]), [cut, 'next'], 'in one chunk');
  t.strictSame(await linesOf([long, long]), [cut], 'without its end');
});
