import t from 'tap';
import { reportOf, section } from '../../src/check/report.js';
import { formatReport } from '../../src/cli/format-report.js';

const report = reportOf(
  'a node',
  [
    section('tools', ['socat 1.8', 'rsync 3.4'], []),
    section(
      'options',
      [],
      [
        {
          severity: 'warning',
          code: 'OPTION_UNKNOWN',
          message: 'no \x1b[2J such thing',
          option: 'tcrt',
          where: '/my.cnf:3',
          hint: 'was tcert meant?',
        },
      ],
    ),
  ],
  ['CHANGE MASTER TO x;'],
);

t.test('a report has a line for what was looked at, and says what is wrong below it', async (t) => {
  t.strictSame(formatReport(report, false), [
    'a node',
    'ok       tools    socat 1.8, rsync 3.4',
    'warning  options',
    '         OPTION_UNKNOWN: no  [2J such thing (tcrt at /my.cnf:3)',
    '         HINT: was tcert meant?',
    '',
    'CHANGE MASTER TO x;',
    '',
    '1 warning',
  ]);
  t.equal(formatReport(reportOf('x', [section('a', [], [])]), false).at(-1), 'nothing is wrong');
});

t.test('colours are for terminals', async (t) => {
  const text = formatReport(report, true).join('\n');
  t.match(text, /\x1b\[32mok {5}\x1b\[0m/);
  t.match(text, /\x1b\[33mwarning\x1b\[0m/);
  t.notMatch(text, '\x1b[2J', 'nothing from outside moves the cursor');
});

t.test('facts that do not fit into a line are told in several', async (t) => {
  const path = `/etc/mysql/${'x'.repeat(60)}`;
  const [, first, second, third] = formatReport(
    reportOf('x', [section('a', ['b', path, path, 'c'], [])]),
    false,
  );
  t.strictSame([first, second, third], [`ok       a  b, ${path}`, `            ${path}, c`, '']);
});
