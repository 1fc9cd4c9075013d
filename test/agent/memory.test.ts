import t from 'tap';
import { giveBackMemory } from '../../src/agent/memory.js';

t.test('what nothing needs any more is given back', (t) => {
  let names: string[] | undefined = Array.from({ length: 300_000 }, (_, index) => `table ${index}`);
  const before = process.memoryUsage().heapUsed;
  t.equal(names.length, 300_000);
  names = undefined;
  giveBackMemory();
  const after = process.memoryUsage().heapUsed;
  t.ok(after < before - 10e6, 'after the first use of it', { before, after });
  giveBackMemory();
  t.ok(process.memoryUsage().heapUsed < before - 10e6, 'and after others');
  t.end();
});
