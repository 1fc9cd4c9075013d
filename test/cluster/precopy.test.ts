import t from 'tap';
import { joinAtRest, prepareSoak, runRound } from '../soak/round.js';

t.setTimeout(600_000);

t.test('a node joins while its donor is written to in every way, and both hold the same', async (t) => {
  const soak = await prepareSoak();
  t.teardown(() => soak.lab.destroy());
  // A joiner with what an interrupted transfer has left, one without data, and one with older data.
  const drawnData: string[] = [];
  for (const seed of [1000, 1001, 1002]) {
    const round = await runRound(soak, seed);
    const { data, damaged, verify, compressor } = round;
    drawnData.push(data);
    const drawn = `${data}, ${damaged} damaged, verify=${verify}, compressor=${compressor}`;
    t.same(round.problems, [], `seed ${seed}, ${drawn}: no difference, no damage, no complaint`);
    t.ok(round.passes > 0, `seed ${seed}: ${round.passes} passes before the lock`);
    t.ok(round.statements > 0, `seed ${seed}: ${round.statements} statements meanwhile`);
  }
  t.same(drawnData, ['interrupted', 'emptied', 'kept']);
  await joinAtRest(soak);
  t.match(soak.joiner.errorLog(), /\d{4} files were compared before the donor's last word/);
});
