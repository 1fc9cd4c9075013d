import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import t from 'tap';
import { linesOf, readPieces } from '../../src/datadir/text-lines.js';

t.test('lines come whole, wherever the pieces were cut, and one without its end not at all', async (t) => {
  const text = 'one\n\nthree\ncut';
  for (let cut = 0; cut <= text.length; cut++)
    t.strictSame([...linesOf([text.slice(0, cut), text.slice(cut)])], ['one', '', 'three'], `cut at ${cut}`);
  t.strictSame([...linesOf([])], []);
});

t.test('a file is read in pieces, and no letter is cut', async (t) => {
  const file = join(t.testdir({}), 'list');
  const text = 'x' + 'ä€'.repeat(50_000);
  writeFileSync(file, text);
  const pieces = [...readPieces(file)];
  t.ok(pieces.length > 2);
  t.equal(pieces.join(''), text);
});
