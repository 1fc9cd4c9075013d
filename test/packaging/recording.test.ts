import { readFileSync } from 'node:fs';
import t from 'tap';

interface Line {
  readonly at: number;
  readonly text: string;
}
interface Recording {
  readonly timeLines: (text: string) => readonly Line[];
  readonly picture: (lines: readonly Line[]) => string;
}

const { timeLines, picture } = (await import(
  new URL('../../../packaging/recording.mjs', import.meta.url).href
)) as Recording;

const printed = `a node joins

   0.3 s  1. node1 starts
          tables: 3

  26.6 s  2. node2 starts
          + 0.20 s  node2  checking
          + 0.30 s  node2  connection from 10.99.0.1:4
          + 9.20 s  node2  done <&>
  30.9 s  3. What ran
          socat
  31.0 s  4. The same?
     yes  ${'x'.repeat(200)}
`;

t.test('lines appear at their times, without long pauses, and with … for what nobody can read', async (t) => {
  t.strictSame(
    timeLines(printed).map(({ at, text }) => [at, text.trim().slice(0, 24)]),
    [
      [0, 'a node joins'],
      [0, ''],
      [1.5, '0.3 s  1. node1 starts'],
      [1.5, 'tables: 3'],
      [1.5, ''],
      [3, '26.6 s  2. node2 starts'],
      [3.2, '+ 0.20 s  node2  checkin'],
      [4.7, '+ 9.20 s  node2  done <&'],
      [4.7, '…'],
      [4.7, ''],
      [6.2, '31.0 s  4. The same?'],
      [6.2, `yes  ${'x'.repeat(19)}`],
    ],
  );
});

t.test('a picture holds them as text', async (t) => {
  const svg = picture(timeLines(printed));
  t.match(svg, 'node2  done &lt;&amp;&gt;</text>');
  t.match(svg, /class="yes"[^>]*> {5}yes {2}x+…<\/text>/);
});

t.test('the one in the README is of a demo in which all held', async (t) => {
  const svg = readFileSync(new URL('../../../docs/demo.svg', import.meta.url), 'utf8');
  t.match(svg, 'Everything that was checked holds.');
  t.notMatch(svg, 'class="no"');
});
