import t from 'tap';
import { checkout } from './checkout.js';
import { listTasks, longestFirst } from './tasks.js';

t.test('each suite has its own tasks', (t) => {
  const names = (suite: 'unit' | 'cluster' | 'trixie', only?: RegExp): string[] =>
    listTasks(checkout, { suites: [suite], only }).map(({ name }) => name);
  t.match(names('unit'), new Set(['lint:eslint', 'test/suite/tasks.test.ts']));
  t.notOk(names('unit').some((name) => name.includes('cluster/')));
  t.ok(names('cluster').every((name) => name.startsWith('test/cluster/')));
  t.match(names('trixie'), new Set(['trixie:test/cluster/join.test.ts']));
  t.strictSame(names('unit', /suite\/tasks/), ['test/suite/tasks.test.ts']);
  t.end();
});

t.test('the longest cluster tests come first, the others keep their order', (t) => {
  const names = longestFirst(listTasks(checkout, { suites: ['cluster'], only: undefined })).map(
    ({ name }) => name,
  );
  const known = ['faults', 'upgrade', 'file-systems', 'many-transfers', 'precopy', 'agent'];
  t.strictSame(
    names.slice(0, known.length),
    known.map((name) => `test/cluster/${name}.test.ts`),
  );
  const others = names.slice(known.length);
  t.strictSame(others, [...others].sort());
  t.end();
});
