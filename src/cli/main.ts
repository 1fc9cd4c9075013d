#!/usr/bin/env node
const [command, ...rest] = process.argv.slice(2);

// The server waits for the script's first line: what only people use is not even loaded for it.
if (command === 'sst') {
  const { runSst } = await import('./sst.js');
  process.exitCode = await runSst(rest);
} else if (command === '--version' || command === '-V') {
  const { version } = await import('./version.js');
  process.stdout.write(`${version}\n`);
} else {
  const { runCommandLine } = await import('./command-line.js');
  process.exitCode = await runCommandLine(process.argv.slice(2));
}
