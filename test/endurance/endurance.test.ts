import t from 'tap';
import { randomFrom } from '../soak/load.js';
import type { Holdings } from './agent-process.js';
import { findGrowth, formatHoldings, spansOf } from './growth.js';
import { prepareEndurance, runTransfer } from './transfer.js';

t.setTimeout(300_000);

t.test('one agent does one transfer after the other, whatever happens to them', async (t) => {
  const endurance = await prepareEndurance();
  t.teardown(() => endurance.destroy());
  const random = randomFrom(20);
  const held: Holdings[] = [];
  let struck = 0;
  for (let index = 1; index <= 12; index++) {
    const { fault, hasStruck, problems } = await runTransfer(endurance, random);
    t.same(problems, [], `transfer ${index}, ${fault === '' ? 'no fault' : fault}`);
    if (hasStruck) struck += 1;
    held.push(await endurance.agent.holdings());
  }
  t.ok(struck > 0, `${struck} faults`);
  const [first, last] = [held[0], held.at(-1)];
  t.match(
    last,
    { descriptors: first?.descriptors, children: 0, files: first?.files },
    'nothing has piled up',
  );
});

t.test('what grows is found', async (t) => {
  const holding: Holdings = {
    memoryMiB: 60,
    descriptors: 21,
    threads: 11,
    children: 0,
    files: 2,
    fileKiB: 9,
  };
  const all = Array.from({ length: 100 }, (_, index) => ({
    ...holding,
    memoryMiB: 60 + index / 10,
    descriptors: 21 + Math.floor(index / 50),
  }));
  const [warm, last] = spansOf(all);
  t.strictSame([warm.length, last.length], [10, 10]);
  t.strictSame(findGrowth(warm, last), [
    'memoryMiB grew from 62.5 to 69.5',
    'descriptors grew from 21 to 22',
  ]);
  t.strictSame(findGrowth(warm, warm), []);
  t.match(formatHoldings(all).split('\n')[11], /^\| 100 \| 69\.9 \| 22 \| 11 \| 0 \| 2 \| 9 \|$/);
});
