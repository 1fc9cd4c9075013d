import type { ServerArguments } from '../config/server-arguments.js';
import { findContradictions } from '../config/contradictions.js';
import { gatherSettings, type Settings } from '../config/settings.js';
import { findUnknownOptions } from '../config/unknown-options.js';
import type { Finding } from '../errors.js';
import { readOptionFiles } from '../option-files/read.js';
import { groupSuffixOf, needsServerVersion, selectGroups, serverGroups } from '../option-files/select.js';
import { runBriefly } from '../processes/spawn.js';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the option files that the server reads for what they say, not yet resolved: its warnings can be told before
 * something that is wrong or missing ends the transfer. Gives also where it looked for them.
 * @param directory what relative names of files are relative to: the script's own, in which the server started it
 */
export async function loadSettings(
  args: ServerArguments,
  env: Environment,
  directory: string,
): Promise<{ settings: Settings; warnings: readonly Finding[]; places: readonly string[] }> {
  const { entries, warnings, places } = readOptionFiles({
    defaultsFile: args.defaultsFile,
    defaultsExtraFile: args.defaultsExtraFile,
    noDefaults: args.serverArguments.includes('--no-defaults'),
    env,
    directory,
  });
  const suffix = args.defaultsGroupSuffix ?? groupSuffixOf(env) ?? '';
  const version = needsServerVersion(entries) ? await serverVersion() : undefined;
  const sst = selectGroups(entries, ['sst'], suffix);
  const mysqld = selectGroups(entries, serverGroups(version), suffix);
  const settings = gatherSettings(args, sst, mysqld);
  return {
    settings,
    warnings: [...warnings, ...findUnknownOptions(sst), ...findContradictions(settings)],
    places,
  };
}

/** `10.11.19-MariaDB-…`, asked only when a group of the option files is for one version. */
export async function serverVersion(): Promise<string | undefined> {
  for (const program of ['mariadbd', 'mysqld']) {
    const { output } = await runBriefly(program, ['--version'], 5000);
    const version = /Ver (\S+)/.exec(output)?.[1];
    if (version !== undefined) return version;
  }
  return undefined;
}
