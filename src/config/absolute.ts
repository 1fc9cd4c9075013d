import { isAbsolute, resolve } from 'node:path';
import type { Config } from './config.js';
import type { Sourced } from './source.js';

/**
 * The configuration with absolute names, as a process in the given directory understands them. The server's other
 * directories stay as they are: those are relative to its data directory.
 */
export function configIn(directory: string, config: Config): Config {
  const absolute = (setting: Sourced<string>): Sourced<string> =>
    isAbsolute(setting.value) || setting.value === ''
      ? setting
      : { ...setting, value: resolve(directory, setting.value) };
  const ifGiven = (setting: Sourced<string> | undefined): Sourced<string> | undefined =>
    setting === undefined ? undefined : absolute(setting);
  const { tls, directories, tmpDir } = config;
  return {
    ...config,
    tmpDir: ifGiven(tmpDir),
    directories: { ...directories, dataDir: absolute(directories.dataDir) },
    tls: {
      ...tls,
      cert: absolute(tls.cert),
      key: ifGiven(tls.key),
      caFile: ifGiven(tls.caFile),
      caPath: ifGiven(tls.caPath),
      crlFile: ifGiven(tls.crlFile),
      crlPath: ifGiven(tls.crlPath),
    },
  };
}
