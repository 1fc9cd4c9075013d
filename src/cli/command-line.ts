import yargs from 'yargs';
import { version } from './version.js';

/** Everything but `sst`: the commands that people use. Gives the exit status. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  await yargs(argv)
    .scriptName('galera-sst-tunnel')
    .usage(
      '$0 COMMAND\n\nState snapshot transfers for MariaDB Galera: rsync inside mutually authenticated TLS tunnels.',
    )
    .version(version)
    .strict()
    .demandCommand(1, 'name a command; --help lists them')
    .parseAsync();
  return 0;
}
