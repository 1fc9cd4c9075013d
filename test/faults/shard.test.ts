import t from 'tap';
import { parseShard, takeShard } from './shard.js';

t.test('the parts of a table are all of it, and none is played twice', (t) => {
  const all = ['a', 'b', 'c', 'd', 'e'];
  const parts = ['1/2', '2/2'].map((text) => takeShard(all, parseShard(text)));
  t.same(parts, [
    ['a', 'c', 'e'],
    ['b', 'd'],
  ]);
  t.same(takeShard(all, parseShard('1/1')), all);
  t.end();
});

t.test('a part that there is not is refused', (t) => {
  for (const text of ['0/2', '3/2', '2', '1/0', '', 'a/b', '1/2/3'])
    t.throws(() => parseShard(text), /--shard wants K\/N/, text);
  t.end();
});
