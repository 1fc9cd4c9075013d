import t from 'tap';
import { play } from '../faults/cell.js';
import { cellName, cells } from '../faults/table.js';
import { Stage } from '../faults/stage.js';

t.setTimeout(500_000);

/** A few of the table; `scripts/faults` goes through all of it. */
const chosen = [
  'listening socat killed on the joiner, locked pass',
  'one rsync killed on the donor, unlocked pass',
  'script killed on the donor, unlocked pass',
  'script told to end on the joiner, unlocked pass',
  'script told to end on the donor, verification',
  'disk full on the joiner, unlocked pass',
  'all killed at once (host restart) on the joiner, unlocked pass',
];

t.test(
  'a transfer that breaks ends quickly, says why on both sides, and the next one succeeds',
  async (t) => {
    const stage = await Stage.create();
    t.teardown(() => stage.destroy());
    for (const name of chosen) {
      const cell = cells.find((one) => cellName(one) === name);
      if (cell === undefined) throw new Error(`no cell ${name}`);
      const { problems, causes, outcome } = await play(stage, cell);
      t.same(problems, [], name, { causes, outcome });
    }
  },
);
