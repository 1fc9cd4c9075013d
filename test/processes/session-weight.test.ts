import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { giveWayAsSession } from '../../src/processes/session-weight.js';

const content = 'what the kernel keeps there';

t.test('what is written, and what is left alone', async (t) => {
  const proc = t.testdir({ 7: { autogroup: content }, 8: {}, 9: { autogroup: content } });
  const autogroup = (pid: number) => readFileSync(join(proc, String(pid), 'autogroup'), 'utf8');
  giveWayAsSession(7, '10', () => false, proc);
  t.equal(autogroup(7), `10${content.slice(2)}`);
  giveWayAsSession(9, '10', () => true, proc);
  t.equal(autogroup(9), content, 'of a process that is gone');
  giveWayAsSession(8, '10', () => false, proc);
  t.throws(
    () => autogroup(8),
    { code: 'ENOENT' },
    'a kernel that does not weigh sessions is not given a file',
  );
});
