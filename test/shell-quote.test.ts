import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import t from 'tap';
import { shellQuote } from '../src/shell-quote.js';

const table = [
  ['', "''"],
  ['rsync', 'rsync'],
  ['--rsh=a', '--rsh=a'],
  ['/var/lib/mysql/', '/var/lib/mysql/'],
  ['node1.my.cluster:4444', 'node1.my.cluster:4444'],
  ['a,b@c%d+e', 'a,b@c%d+e'],
  ['a b', "'a b'"],
  ['~', "'~'"],
  ['$HOME', "'$HOME'"],
  ["it's", "'it'\\''s'"],
  ['a\\b', "'a\\b'"],
  ['*', "'*'"],
  ['é', "'é'"],
  ['a\nb', "$'a\\x0ab'"],
  ["\t'\\f", "$'\\x09\\'\\\\f'"],
  ['\x7f', "$'\\x7f'"],
] as const;

t.test('words are quoted only where a shell would read them otherwise', async (t) => {
  for (const [word, quoted] of table) t.equal(shellQuote(word), quoted, JSON.stringify(word));
});

/** What a shell reads: the words that come out of `printf` with the quoted words as its arguments. */
function readBy(shell: string, words: readonly string[]): string[] {
  const script = `printf '%s\\0' ${words.map(shellQuote).join(' ')}`;
  return execFileSync(shell, ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
}

// A word with a NUL byte or half a surrogate pair cannot be a process's argument.
const character = fc.oneof(
  fc.constantFrom(
    "'",
    '"',
    '\\',
    '$',
    '`',
    '!',
    '\n',
    '\r',
    '\t',
    '\x1b',
    '\x7f',
    ' ',
    '~',
    '#',
    '*',
    '0',
    'a',
    'é',
    '😀',
  ),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
);
const word = fc
  .array(character)
  .map((characters) => Buffer.from(characters.join('').replaceAll('\0', '')).toString());

t.test('bash reads every word back, and no quoted word holds a line break', async () => {
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 100 }), (words) => {
      const quoted = words.map(shellQuote);
      return (
        quoted.every((text) => !/[\0-\x1f\x7f]/.test(text)) &&
        JSON.stringify(readBy('bash', words)) === JSON.stringify(words)
      );
    }),
    { numRuns: 40 },
  );
});

t.test('any POSIX shell reads words without control characters back', async () => {
  const plain = word.map((text) => text.replace(/[\0-\x1f\x7f]/g, ''));
  fc.assert(
    fc.property(fc.array(plain, { minLength: 1, maxLength: 100 }), (words) => {
      return JSON.stringify(readBy('sh', words)) === JSON.stringify(words);
    }),
    { numRuns: 40 },
  );
});
