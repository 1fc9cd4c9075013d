import { resolveConfig, type Config } from '../config/config.js';
import type { ServerArguments } from '../config/server-arguments.js';
import { gatherSettings } from '../config/settings.js';
import type { Finding } from '../errors.js';
import { readOptionFiles } from '../option-files/read.js';
import { groupSuffixOf, needsServerVersion, selectGroups, serverGroups } from '../option-files/select.js';
import { runBriefly } from '../processes/spawn.js';

/** Reads the option files that the server reads and resolves the configuration of the transfer that it asks for. */
export async function loadConfig(
  args: ServerArguments,
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ config: Config; warnings: readonly Finding[] }> {
  const { entries, warnings } = readOptionFiles({
    defaultsFile: args.defaultsFile,
    defaultsExtraFile: args.defaultsExtraFile,
    noDefaults: args.serverArguments.includes('--no-defaults'),
    env,
  });
  const suffix = args.defaultsGroupSuffix ?? groupSuffixOf(env) ?? '';
  const version = needsServerVersion(entries) ? await serverVersion() : undefined;
  const sst = selectGroups(entries, ['sst'], suffix);
  const mysqld = selectGroups(entries, serverGroups(version), suffix);
  return { config: resolveConfig(args, gatherSettings(args, sst, mysqld)), warnings };
}

/** `10.11.19-MariaDB-…`, asked only when a group of the option files is for one version. */
async function serverVersion(): Promise<string | undefined> {
  for (const program of ['mariadbd', 'mysqld']) {
    const { output } = await runBriefly(program, ['--version'], 5000);
    const version = /Ver (\S+)/.exec(output)?.[1];
    if (version !== undefined) return version;
  }
  return undefined;
}
