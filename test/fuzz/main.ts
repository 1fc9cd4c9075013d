import { fuzz } from './run.js';

/** `scripts/fuzz [COUNT] [SEED]`: so many inputs in all, counted by what read them; the same seed gives the same ones. */
async function main(): Promise<void> {
  const [count = '1000000', seed = String(Math.floor(Math.random() * 2 ** 31))] = process.argv.slice(2);
  if (!/^\d{1,9}$/.test(count) || !/^\d{1,10}$/.test(seed)) {
    console.log('usage: scripts/fuzz [COUNT] [SEED]    COUNT inputs in all, 1000000 by default');
    process.exitCode = count === '-h' || count === '--help' ? 0 : 2;
    return;
  }
  let [inputs, failures] = [0, 0];
  const begun = performance.now();
  await fuzz(Number(count), Number(seed), (result) => {
    inputs += result.inputs;
    const verdict = result.problem === undefined ? 'ok    ' : 'FAILED';
    console.log(`${verdict} ${result.name}: ${result.inputs} inputs in ${result.seconds.toFixed(1)} s`);
    if (result.problem === undefined) return;
    failures += 1;
    console.log(result.problem);
  });
  const seconds = ((performance.now() - begun) / 1000).toFixed(0);
  console.log(
    `${inputs} inputs, seed ${seed}, ${seconds} s: ${failures === 0 ? 'no failure' : `${failures} targets failed`}`,
  );
  process.exitCode = failures === 0 ? 0 : 1;
}

await main();
