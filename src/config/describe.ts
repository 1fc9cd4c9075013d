import { stringify } from 'ini';
import type { Config } from './config.js';
import { placeOf, type Source, type Sourced } from './source.js';
import type { SstOption } from './sst-options.js';

/**
 * The settings of a transfer as lines of an option file, each with the place that it comes from in a comment:
 * `tcert=/etc/mysql/ssl/node1.crt  # /etc/mysql/my.cnf:12`. None of them is a secret.
 */
export function describeSettings(config: Config): readonly string[] {
  return format(listSettings(config));
}

/** The settings of a transfer in its role, those of its tunnel first. None of them is a secret. */
export function listSettings(config: Config): readonly Setting[] {
  const { tls, role, sources } = config;
  const plain = (name: SstOption, value: string | number): Setting => ({
    name,
    value: String(value),
    source: sources[name],
  });
  const own = (sourced: Sourced<string> | undefined, name: SstOption): Setting[] =>
    sourced === undefined ? [] : [{ name, value: sourced.value, source: sourced.source }];
  const forRole =
    role === 'joiner'
      ? [
          plain('allow-donor-without-secret', config.allowDonorWithoutSecret ? 'ON' : 'OFF'),
          plain('verify', config.verify),
          plain('page-cache', config.pageCache),
          plain('sst-initial-timeout', config.initialTimeoutMs / 1000),
        ]
      : [
          plain('precopy', config.precopy === 0 ? 'off' : config.precopy),
          plain('compressor', config.compressor),
          plain('backup-threads', config.streams),
          plain('sst-max-binlogs', config.maxBinlogs),
          plain('rlimit', config.rateLimit ?? 0),
          plain('sst-connect-timeout', config.connectTimeoutMs / 1000),
        ];
  const mode: Setting = {
    name: 'ssl-mode',
    value: tls.mode,
    source: tls.verificationOffBy?.source ?? sources['ssl-mode'],
  };
  return [
    mode,
    ...own(tls.cert, 'tcert'),
    ...own(tls.key, 'tkey'),
    ...own(tls.caFile, 'tca'),
    ...own(tls.caPath, 'tcap'),
    ...own(tls.crlFile, 'ssl-crl'),
    ...own(tls.crlPath, 'ssl-crlpath'),
    ...versions(tls.versions),
    ...own(tls.ciphers, 'ssl-cipher'),
    ...own(tls.sockopt.source, 'sockopt'),
    ...own(config.tmpDir, 'tmpdir'),
    ...forRole,
    plain('ktls', config.ktls ? 'ON' : 'OFF'),
    plain('sst-idle-timeout', config.idleTimeoutMs / 1000),
    plain('sst-overall-timeout', config.overallTimeoutMs / 1000),
  ];
}

function versions(setting: Config['tls']['versions']): Setting[] {
  if (setting === undefined) return [];
  const { min, max } = setting.value;
  return [{ name: 'tls-version', value: min === max ? min : `${min},${max}`, source: setting.source }];
}

/** An option as it counts. */
export interface Setting {
  readonly name: SstOption;
  readonly value: string;
  /** Undefined: the default. */
  readonly source: Source | undefined;
}

function format(settings: readonly Setting[]): readonly string[] {
  const lines = settings.map(({ name, value }) => formatOption(name, value));
  const width = Math.min(60, Math.max(...lines.map((line) => line.length)));
  return settings.map(
    (setting, index) => `${(lines[index] ?? '').padEnd(width)}  # ${originOf(setting) ?? 'default'}`,
  );
}

/**
 * Where a setting was made, with the name that it has there when another option decides: `ssl-cert` stands in for `tcert`,
 * `sockopt=verify=0` for `ssl-mode`. Undefined for a default.
 */
export function originOf({ name, source }: Setting): string | undefined {
  if (source === undefined) return undefined;
  const by = source.kind === 'default' || plainName(source.name) === name ? '' : `${source.name} at `;
  return `${by}${placeOf(source)}`;
}

function plainName(name: string): string {
  return name
    .replace(/^--/, '')
    .replaceAll('_', '-')
    .replace(/^loose-/, '');
}

/** The npm parser would write `\#` and `\;`, which the server does not read as it does (10.11.19). */
function formatOption(name: string, value: string): string {
  return /[#;\\]/.test(value) ? `${name}=${JSON.stringify(value)}` : stringify({ [name]: value }).trimEnd();
}
