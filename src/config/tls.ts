import { TransferError } from '../errors.js';
import { find, type Scope, type Settings } from './settings.js';
import { placeOf, type Sourced } from './source.js';

/** How strictly a peer is verified; nothing here ever means clear text. */
export type SslMode = 'VERIFY_IDENTITY' | 'VERIFY_CA' | 'REQUIRED';

/** The tunnel's TLS settings as configured; files are not yet looked at. */
export interface TlsSettings {
  readonly mode: SslMode;
  /** What turned verification off: `ssl-mode` or `sockopt`; undefined while it is on. */
  readonly verificationOffBy?: Sourced<string> | undefined;
  readonly caFile?: Sourced<string> | undefined;
  readonly caPath?: Sourced<string> | undefined;
  readonly cert: Sourced<string>;
  readonly key?: Sourced<string> | undefined;
  readonly sockopt: SocketOptions;
}

/** `[sst] sockopt`, taken apart. */
export interface SocketOptions {
  /** socat options in the order given, `name` or `name=value`. */
  readonly options: readonly string[];
  readonly source?: Sourced<string> | undefined;
  /** `commonname=` among them: the name that the peer's certificate must have, instead of its address. */
  readonly commonName?: string | undefined;
}

const files: readonly Scope[] = ['[sst]'];
const server: readonly Scope[] = ['server arguments', '[mysqld]'];

/** Resolves the TLS settings of a role: `tca tcert tkey` first, then the peers' names, `[sst]` before `[mysqld]`. */
export function resolveTls(settings: Settings, role: 'joiner' | 'donor'): TlsSettings {
  const side = role === 'joiner' ? 'server' : 'client';
  const sockopt = parseSocketOptions(find(settings, 'sockopt', files));
  const { mode, verificationOffBy } = resolveMode(settings, sockopt);
  const { cert, key } = resolveCertificate(settings, side);
  const caFile = firstOf(settings, 'tca', `ssl-${side}-ca`, 'ssl-ca');
  const caPath = firstOf(settings, 'tcap', `ssl-${side}-capath`, 'ssl-capath');
  if (mode !== 'REQUIRED' && caFile === undefined && caPath === undefined) {
    throw new TransferError(
      'OPTION_MISSING',
      `tca is not set, and ssl-mode=${mode} needs a CA to verify peers against`,
      {
        option: 'tca',
        hint: "set tca in [sst] to the file with the CA's certificate (or tcap to a directory); the system's own CAs are never trusted",
      },
    );
  }
  return { mode, verificationOffBy, caFile, caPath, cert, key, sockopt };
}

function resolveMode(
  settings: Settings,
  sockopt: SocketOptions,
): { mode: SslMode; verificationOffBy?: Sourced<string> | undefined } {
  const given = find(settings, 'ssl-mode', ['[sst]', '[mysqld]']);
  const mode = parseMode(given);
  if (sockopt.source !== undefined && turnsVerificationOff(sockopt.options)) {
    return { mode: 'REQUIRED', verificationOffBy: sockopt.source };
  }
  return { mode, verificationOffBy: mode === 'REQUIRED' ? given : undefined };
}

function parseMode(given: Sourced<string> | undefined): SslMode {
  if (given === undefined || given.value === '') return 'VERIFY_IDENTITY';
  const mode = given.value.trim().toUpperCase().replaceAll('-', '_');
  const detail = { option: 'ssl-mode', where: placeOf(given.source) };
  switch (mode) {
    case 'VERIFY_IDENTITY':
    case 'VERIFY_CA':
    case 'REQUIRED':
      return mode;
    case 'DISABLED':
      throw new TransferError(
        'CLEAR_TEXT_REFUSED',
        'ssl-mode=DISABLED: this method never sends clear text',
        detail,
      );
    default:
      throw new TransferError(
        'OPTION_INVALID',
        `ssl-mode is ${JSON.stringify(given.value)}, which is no known mode`,
        {
          ...detail,
          hint: 'use VERIFY_IDENTITY (the default), VERIFY_CA or REQUIRED',
        },
      );
  }
}

function resolveCertificate(
  settings: Settings,
  side: 'server' | 'client',
): { cert: Sourced<string>; key: Sourced<string> | undefined } {
  const families: readonly { cert: string; key: string; scopes: readonly Scope[] }[] = [
    { cert: 'tcert', key: 'tkey', scopes: files },
    { cert: `ssl-${side}-cert`, key: `ssl-${side}-key`, scopes: files },
    { cert: 'ssl-cert', key: 'ssl-key', scopes: files },
    { cert: `ssl-${side}-cert`, key: `ssl-${side}-key`, scopes: server },
    { cert: 'ssl-cert', key: 'ssl-key', scopes: server },
  ];
  for (const family of families) {
    const cert = nonEmpty(find(settings, family.cert, family.scopes));
    // A key belongs to the certificate of its own family: a bundle in tcert must not meet the server's ssl-key.
    if (cert !== undefined) return { cert, key: nonEmpty(find(settings, family.key, family.scopes)) };
  }
  throw new TransferError('OPTION_MISSING', 'tcert is not set: the tunnel has no certificate to show', {
    option: 'tcert',
    hint: "set tcert (and tkey, unless tcert's file holds the key too) and tca in the [sst] section",
  });
}

function firstOf(
  settings: Settings,
  own: string,
  byRole: string,
  common: string,
): Sourced<string> | undefined {
  return (
    nonEmpty(find(settings, own, files)) ??
    nonEmpty(find(settings, byRole, files)) ??
    nonEmpty(find(settings, common, files)) ??
    nonEmpty(find(settings, byRole, server)) ??
    nonEmpty(find(settings, common, server))
  );
}

function nonEmpty(setting: Sourced<string> | undefined): Sourced<string> | undefined {
  return setting?.value === '' ? undefined : setting;
}

/** Options of ours that an administrator may not change: they decide what the tunnel is, not how it is built. */
const reserved = new Set([
  'fork',
  'cert',
  'certificate',
  'openssl-certificate',
  'key',
  'openssl-key',
  'cafile',
  'ca',
  'openssl-cafile',
  'capath',
  'openssl-capath',
]);

/** Takes `sockopt` apart at its commas; a leading comma, as other SST methods want it, is accepted. */
export function parseSocketOptions(source: Sourced<string> | undefined): SocketOptions {
  if (source === undefined) return { options: [] };
  const where = { option: 'sockopt', where: placeOf(source.source) };
  if (/[\0-\x1f]/.test(source.value)) {
    throw new TransferError('OPTION_INVALID', 'sockopt holds a control character', where);
  }
  if (source.value.includes('!!')) {
    throw new TransferError(
      'OPTION_INVALID',
      'sockopt holds "!!", which would begin a second socat address',
      where,
    );
  }
  const options = source.value
    .split(',')
    .map((option) => option.trim())
    .filter((option) => option !== '');
  for (const option of options) {
    const name = optionName(option);
    if (reserved.has(name)) {
      throw new TransferError('OPTION_INVALID', `sockopt may not set ${name}: it is set from other options`, {
        ...where,
        hint: 'use tca, tcap, tcert and tkey',
      });
    }
  }
  const named = options.filter((option) => /^(openssl-)?(commonname|cn)=/i.test(option)).at(-1);
  return {
    options,
    source,
    commonName: named === undefined ? undefined : named.slice(named.indexOf('=') + 1),
  };
}

function optionName(option: string): string {
  return (option.split('=')[0] ?? '').toLowerCase();
}

function turnsVerificationOff(options: readonly string[]): boolean {
  const last = options.filter((option) => /^(openssl-)?verify(=|$)/i.test(option)).at(-1);
  return last !== undefined && /=0*$/.test(last);
}
