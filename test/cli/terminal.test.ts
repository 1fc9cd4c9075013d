import t from 'tap';
import { createRedraw, printable } from '../../src/cli/terminal.js';
import { screen } from './agent.js';

t.test('a block is drawn over the one before, and what it had more is cleared', async (t) => {
  const terminal = screen({ columns: () => 10 });
  const redraw = createRedraw(terminal);
  redraw(['one', 'two']);
  redraw(['three']);
  redraw([]);
  t.equal(terminal.text(), 'one\x1b[K\ntwo\x1b[K\n\x1b[J\x1b[2Athree\x1b[K\n\x1b[J\x1b[1A\x1b[J');
});

t.test('a line that does not fit is cut, whatever its characters', async (t) => {
  const terminal = screen({ columns: () => 6 });
  createRedraw(terminal)(['12345', '123456', '😀😀😀😀😀😀']);
  t.equal(terminal.text(), '12345\x1b[K\n1234…\x1b[K\n😀😀😀😀…\x1b[K\n\x1b[J');
});

t.test('a block is no higher than the screen', async (t) => {
  const terminal = screen({ rows: () => 4 });
  const redraw = createRedraw(terminal);
  redraw(['one', 'two', 'three', 'four']);
  redraw(['one', 'two', 'three']);
  t.equal(
    terminal.text(),
    'one\x1b[K\ntwo\x1b[K\n… 2 more lines\x1b[K\n\x1b[J\x1b[3Aone\x1b[K\ntwo\x1b[K\nthree\x1b[K\n\x1b[J',
  );
});

t.test('text from outside cannot move the cursor', async (t) => {
  t.equal(printable('a\x1b[2Jb\r\nc\x9bd'), 'a [2Jb c\\u009bd');
});
