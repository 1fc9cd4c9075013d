import t from 'tap';
import { parseOptionFile, type Statement } from '../../src/option-files/parse.js';

const option = (line: number, name: string, value?: string): Statement => ({
  kind: 'option',
  group: 'sst',
  name,
  value,
  line,
});
const sst: Statement = { kind: 'group', name: 'sst', line: 1 };

const cases: readonly { about: string; text: string | Buffer; statements: readonly Statement[] }[] = [
  { about: 'an empty file has no statements', text: '', statements: [] },
  {
    about: 'options carry their group and line',
    text: '# the tunnel\n[sst]\ntca = /etc/ca.crt # ours\n\nverbose\n',
    statements: [
      { kind: 'group', name: 'sst', line: 2 },
      option(3, 'tca', '/etc/ca.crt'),
      option(5, 'verbose'),
    ],
  },
  {
    about: 'an empty value differs from none',
    text: '[sst]\na=\nb',
    statements: [sst, option(2, 'a', ''), option(3, 'b')],
  },
  {
    about: 'quotes are taken off before escapes are resolved',
    text: '[sst]\na="x\\sy\\"',
    statements: [sst, option(2, 'a', 'x y\\')],
  },
  {
    about: 'directives keep their paths as written',
    text: '!include a b.cnf\n!includedir ../conf.d/\n',
    statements: [
      { kind: 'include', path: 'a b.cnf', line: 1 },
      { kind: 'includedir', path: '../conf.d/', line: 2 },
    ],
  },
  {
    about: 'a last include line without a line break loses its last character, as in the server',
    text: '!include a.cnf',
    statements: [{ kind: 'include', path: 'a.cn', line: 1 }],
  },
  {
    about: 'a directive without a path is one with an empty path, and does not end the file',
    text: '!include\n[sst]\n',
    statements: [
      { kind: 'include', path: '', line: 1 },
      { kind: 'group', name: 'sst', line: 2 },
    ],
  },
  {
    about: 'the rest of a line that is longer than the buffer keeps the number of its line',
    text: `[sst]\na=${'x'.repeat(4092)}b=1\nc=2\n`,
    statements: [sst, option(2, 'a', 'x'.repeat(4092)), option(2, 'b', '1'), option(3, 'c', '2')],
  },
  {
    about: 'nothing is read behind a group without a closing bracket',
    text: '[sst]\n[mysqld\na=1\n',
    statements: [sst, { kind: 'problem', message: 'a group name has no closing bracket', line: 2 }],
  },
  {
    about: 'an option before any group is a problem',
    text: '\na=1\n[sst]\n',
    statements: [{ kind: 'problem', message: 'an option stands before any [group]', line: 2 }],
  },
  {
    about: 'a byte order mark is named as what it is',
    text: '\ufeff[sst]\na=1\n',
    statements: [
      {
        kind: 'problem',
        message:
          'the file begins with a byte order mark, which the server takes for an option before any [group]',
        line: 1,
      },
    ],
  },
  {
    about: 'a line that would crash the server is a problem',
    text: `[sst]\n =${'x'.repeat(3000)}\n`,
    statements: [sst, { kind: 'problem', message: 'an option without a name is too long', line: 2 }],
  },
  {
    about: 'bytes that are not UTF-8 become replacement characters',
    text: Buffer.from([0x5b, 0x73, 0x73, 0x74, 0x5d, 0x0a, 0x61, 0x3d, 0xff]),
    statements: [sst, option(2, 'a', '\ufffd')],
  },
];

for (const { about, text, statements } of cases) {
  t.test(about, (t) => {
    t.strictSame(parseOptionFile(Buffer.from(text)), statements);
    t.end();
  });
}
