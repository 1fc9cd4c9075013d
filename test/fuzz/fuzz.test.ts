import t from 'tap';
import { fuzz } from './run.js';

// FUZZ_SEED=n repeats a run, FUZZ_COUNT=n changes how many inputs it makes; scripts/fuzz is the long version.
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const count = Number(process.env['FUZZ_COUNT'] ?? 10_000);

t.test(
  `${count} inputs from outside crash nothing, hang nothing and are taken or refused in one clear line`,
  async (t) => {
    t.setTimeout(200_000);
    t.comment(`to repeat: FUZZ_SEED=${seed}`);
    let inputs = 0;
    await fuzz(count, seed, (result) => {
      inputs += result.inputs;
      t.equal(result.problem, undefined, `${result.name}: ${result.inputs} inputs`);
    });
    t.ok(inputs >= count, 'all were tried');
  },
);
