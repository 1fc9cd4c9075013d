#!/usr/bin/env node

/** Gives the exit status. The server waits for the script's first line: what only people use is not even loaded for it. */
async function main(words: readonly string[]): Promise<number> {
  const [command, ...rest] = words;
  if (command === 'help') return main([...rest.filter((word) => word !== 'help'), '--help']);
  if (command === 'sst' && (rest[0] === '--help' || rest[0] === '-h')) {
    const { sstUsage } = await import('./sst-usage.js');
    process.stdout.write(sstUsage);
    return 0;
  }
  if (command === 'sst') {
    const { runSst } = await import('./sst.js');
    return runSst(rest);
  }
  if (command === '--version' || command === '-V') {
    const { version } = await import('./version.js');
    process.stdout.write(`${version}\n`);
    return 0;
  }
  const { loadCommandLine } = await import('./program.js');
  const { runCommandLine } = await loadCommandLine();
  return runCommandLine(words);
}

/** Whatever still keeps this process has this long when its work is done, in ms: the server waits for the script's end. */
const graceMs = 1000;

void main(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
  // eslint-disable-next-line no-restricted-properties -- all output has been written by then, and what is left is a defect
  if (process.argv[2] === 'sst') setTimeout(() => process.exit(), graceMs).unref();
});
