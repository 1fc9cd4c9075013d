import { TransferError } from '../errors.js';
import { refuseClearTextCiphers } from './cipher-list.js';
import { find, type Scope, type Settings } from './settings.js';
import { placeOf, type Sourced } from './source.js';

/** A version of TLS that the tunnel may speak. */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** What narrows TLS down, each as the server has it for its own connections. */
export interface TlsLimits {
  /** The versions that `tls_version` allows, from the oldest to the newest; older ones than 1.2 are never spoken. */
  readonly versions?: Sourced<{ readonly min: TlsVersion; readonly max: TlsVersion }> | undefined;
  /** `ssl_cipher`: names of OpenSSL with colons between them. */
  readonly ciphers?: Sourced<string> | undefined;
  readonly crlFile?: Sourced<string> | undefined;
  readonly crlPath?: Sourced<string> | undefined;
}

const places: readonly Scope[] = ['[sst]', 'server arguments', '[mysqld]'];

/** Resolves `tls-version`, `ssl-cipher`, `ssl-crl` and `ssl-crlpath`; `[sst]` comes before the server's own. */
export function resolveTlsLimits(settings: Settings): TlsLimits {
  const given = (name: 'tls-version' | 'ssl-cipher', scopes = places): Sourced<string> | undefined => {
    const setting = find(settings, name, scopes);
    return setting === undefined || setting.value.trim() === '' ? undefined : setting;
  };
  const versions = given('tls-version');
  const ciphers = given('ssl-cipher');
  return {
    versions: versions === undefined ? undefined : parseVersions(versions),
    ciphers: ciphers === undefined ? undefined : parseCiphers(ciphers),
    ...resolveCrl(settings),
  };
}

/** Lists come from one place, as trust does. */
function resolveCrl(settings: Settings): Pick<TlsLimits, 'crlFile' | 'crlPath'> {
  for (const scope of places) {
    const [crlFile, crlPath] = (['ssl-crl', 'ssl-crlpath'] as const).map((name) => {
      const setting = find(settings, name, [scope]);
      return setting?.value === '' ? undefined : setting;
    });
    if (crlFile !== undefined || crlPath !== undefined) return { crlFile, crlPath };
  }
  return {};
}

function parseVersions(setting: Sourced<string>): NonNullable<TlsLimits['versions']> {
  const names = setting.value.split(',').map((name) => name.trim());
  const detail = { option: setting.source.name, where: placeOf(setting.source) };
  const unknown = names.find((name) => !/^TLSv1\.[0-3]$/i.test(name));
  if (unknown !== undefined) {
    throw new TransferError(
      'OPTION_INVALID',
      `tls_version has ${JSON.stringify(unknown)}, which is no known version`,
      {
        ...detail,
        hint: 'name TLSv1.2, TLSv1.3 or both, with a comma between them; my_print_defaults sst mysqld shows what is set',
      },
    );
  }
  const has = (version: string): boolean =>
    names.some((name) => name.toUpperCase() === version.toUpperCase());
  if (!has('TLSv1.2') && !has('TLSv1.3')) {
    throw new TransferError(
      'OPTION_INVALID',
      `tls_version=${setting.value} allows neither TLSv1.2 nor TLSv1.3, and older versions are broken`,
      {
        ...detail,
        hint: 'add TLSv1.2 or TLSv1.3, or set tls-version in [sst] for transfers alone; my_print_defaults sst mysqld shows what is set',
      },
    );
  }
  const value = {
    min: has('TLSv1.2') ? 'TLSv1.2' : 'TLSv1.3',
    max: has('TLSv1.3') ? 'TLSv1.3' : 'TLSv1.2',
  } as const;
  return { value, source: setting.source };
}

function parseCiphers(setting: Sourced<string>): Sourced<string> {
  const detail = { option: setting.source.name, where: placeOf(setting.source) };
  if (/^[A-Za-z0-9_.:!+@=-]+$/.test(setting.value)) {
    refuseClearTextCiphers(setting.value, detail);
    return setting;
  }
  throw new TransferError(
    'OPTION_INVALID',
    `ssl_cipher is ${JSON.stringify(setting.value)}, expected names of ciphers with colons between them`,
    detail,
  );
}

/** OpenSSL keeps the ciphers of TLS 1.3 apart: their names begin with `TLS_`. */
export function splitCiphers(ciphers: string): { readonly older: string; readonly tls13: string } {
  const names = ciphers.split(':').filter((name) => name !== '');
  const isNew = (name: string): boolean => name.startsWith('TLS_');
  return { older: names.filter((name) => !isNew(name)).join(':'), tls13: names.filter(isNew).join(':') };
}
