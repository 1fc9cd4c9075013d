import { randomFrom } from '../soak/load.js';
import type { Holdings } from './agent-process.js';
import { findGrowth, formatHoldings, spansOf } from './growth.js';
import { prepareEndurance, runTransfer } from './transfer.js';

/** `scripts/endure TRANSFERS [SEED]`: transfers in a row through one agent, two of three with a fault; prints what the agent held. */
async function main(): Promise<void> {
  const [count = '', seed = '1'] = process.argv.slice(2);
  if (!/^[1-9]\d*$/.test(count) || !/^\d+$/.test(seed)) {
    console.log('usage: scripts/endure TRANSFERS [SEED]');
    process.exitCode = count === '' || count.startsWith('-') ? 0 : 2;
    return;
  }
  const endurance = await prepareEndurance();
  const random = randomFrom(Number(seed));
  const held: Holdings[] = [];
  const ends = new Map<string, number>();
  let failed = 0;
  let alone = 0;
  try {
    for (let index = 1; index <= Number(count); index++) {
      const { fault, hasStruck, joiner, donor, withoutAgent, problems } = await runTransfer(
        endurance,
        random,
      );
      alone += withoutAgent;
      held.push(await endurance.agent.holdings());
      const end = `${hasStruck ? fault : fault === '' ? 'no fault' : 'no fault in time'}: ${joiner === 0 ? 'joined' : 'failed'}`;
      ends.set(end, (ends.get(end) ?? 0) + 1);
      if (problems.length === 0) continue;
      failed += 1;
      console.log(JSON.stringify({ transfer: index, fault, hasStruck, joiner, donor, problems }));
    }
  } finally {
    await endurance.destroy();
  }
  for (const [end, times] of [...ends].sort()) console.log(`${times} × ${end}`);
  console.log(`\n${formatHoldings(held)}\n`);
  // More than a few, and this was no test of the agent.
  const mostAlone = Number(count) / 5;
  console.log(
    `${alone} of ${2 * Number(count)} scripts did their side themselves, as the agent did not answer in time`,
  );
  if (alone > mostAlone) failed += 1;
  const growth = findGrowth(...spansOf(held));
  for (const line of growth) console.log(line);
  console.log(`${Number(count) - failed} passed, ${failed + growth.length} failed`);
  process.exitCode = failed + growth.length === 0 ? 0 : 1;
}

await main();
