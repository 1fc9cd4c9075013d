import { prepareSoak, runRound } from './round.js';

/** `scripts/soak ROUNDS [SEED] [DIRECTORY] [EVIDENCE]`: transfers in a row while the donor writes; a line of JSON for each. */
async function main(): Promise<void> {
  const [rounds, seed, root, evidence] = process.argv.slice(2);
  if (!/^[1-9]\d*$/.test(rounds ?? '') || !/^\d+$/.test(seed ?? '1')) {
    process.exitCode = 2;
    console.error('usage: scripts/soak ROUNDS [SEED] [DIRECTORY] [EVIDENCE]');
    return;
  }
  const soak = await prepareSoak({ root, ...(evidence === undefined ? {} : { evidence }) });
  let failed = 0;
  try {
    for (let round = 0; round < Number(rounds); round++) {
      const result = await runRound(soak, Number(seed ?? '1') + round);
      console.log(JSON.stringify({ round: round + 1, ...result }));
      if (result.problems.length > 0) failed += 1;
    }
  } finally {
    soak.lab.destroy();
  }
  console.log(`${Number(rounds) - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

await main();
