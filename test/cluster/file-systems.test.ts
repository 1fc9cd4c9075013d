import { join } from 'node:path';
import t from 'tap';
import { prepareSoak, runRound } from '../soak/round.js';
import { fileSystemKinds, hasWholeSeconds, mountFileSystem } from './mounted.js';

t.setTimeout(900_000);

for (const [index, kind] of fileSystemKinds.entries()) {
  t.test(`both nodes on ${kind}`, async (t) => {
    const mounted = mountFileSystem(kind);
    if (mounted === undefined) {
      t.pass(kind, { skip: 'no program to make it with' });
      return;
    }
    t.teardown(() => mounted.unmount());
    t.equal(hasWholeSeconds(mounted.folder), kind.includes('whole seconds'));
    // With times of whole seconds, early comparisons are the least certain.
    const hasManyFiles = kind.includes('whole seconds');
    const soak = await prepareSoak({ root: join(mounted.folder, 'lab'), hasManyFiles });
    try {
      const round = await runRound(soak, 4000 + index);
      t.same(round.problems, [], 'no difference, no damage, no complaint');
      t.ok(round.passes > 0, `${round.passes} passes before the lock`);
      t.ok(round.statements > 0, `${round.statements} statements meanwhile`);
    } finally {
      soak.lab.destroy();
    }
  });
}
