import { TransferError } from '../errors.js';
import { refuseClearTextCiphers } from './cipher-list.js';
import { find, type Scope, type Settings } from './settings.js';
import { placeOf, type Sourced } from './source.js';
import type { SstOption } from './sst-options.js';
import { resolveTlsLimits, type TlsLimits } from './tls-limits.js';

/** How strictly a peer is verified; nothing here ever means clear text. */
export type SslMode = 'VERIFY_IDENTITY' | 'VERIFY_CA' | 'REQUIRED';

/** The tunnel's TLS settings as configured; files are not yet looked at. */
export interface TlsSettings extends TlsLimits {
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
  /**
   * socat options in the order given, `name` or `name=value`; without `verify` and `commonname`, which the tunnel sets
   * itself from what is resolved here: socat gives up on an option that comes twice (1.7.4.4).
   */
  readonly options: readonly string[];
  readonly source?: Sourced<string> | undefined;
  /** `verify=` among them; undefined when it is not. */
  readonly verify?: boolean | undefined;
  /** `commonname=` among them: the name that the peer's certificate must have, instead of its address. */
  readonly commonName?: string | undefined;
  /** `pf=` among them. */
  readonly family?: 4 | 6 | undefined;
}

const files: readonly Scope[] = ['[sst]'];
const server: readonly Scope[] = ['server arguments', '[mysqld]'];

/** Resolves the TLS settings of a role: `tca tcert tkey` first, then the peers' names, `[sst]` before `[mysqld]`. */
export function resolveTls(settings: Settings, role: 'joiner' | 'donor'): TlsSettings {
  const side = role === 'joiner' ? 'server' : 'client';
  const sockopt = parseSocketOptions(find(settings, 'sockopt', files));
  const { mode, verificationOffBy } = resolveMode(settings, sockopt);
  const { cert, key } = resolveCertificate(settings, side);
  const { caFile, caPath } = resolveTrust(settings, side);
  if (mode !== 'REQUIRED' && caFile === undefined && caPath === undefined) {
    throw new TransferError(
      'OPTION_MISSING',
      `tca is not set, and ssl-mode=${mode} needs a CA to verify peers against`,
      {
        option: 'tca',
        hint: "set tca in [sst] to the file with the CA's certificate (or tcap to a directory); the system's own CAs are never trusted; where there is none yet: galera-sst-tunnel certs init-ca",
      },
    );
  }
  const limits = resolveTlsLimits(settings);
  return { mode, verificationOffBy, caFile, caPath, cert, key, sockopt, ...limits };
}

function resolveMode(
  settings: Settings,
  sockopt: SocketOptions,
): { mode: SslMode; verificationOffBy?: Sourced<string> | undefined } {
  const given = find(settings, 'ssl-mode', ['[sst]', '[mysqld]']);
  const mode = parseMode(given);
  if (sockopt.verify === false) {
    return { mode: 'REQUIRED', verificationOffBy: sockopt.source };
  }
  // Whoever asks for verification in so many words gets it; names are not what socat's option is about.
  if (sockopt.verify === true && mode === 'REQUIRED') return { mode: 'VERIFY_CA' };
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
          hint: 'use VERIFY_IDENTITY (the default), VERIFY_CA or REQUIRED; my_print_defaults sst mysqld shows what is set',
        },
      );
  }
}

function resolveCertificate(
  settings: Settings,
  side: 'server' | 'client',
): { cert: Sourced<string>; key: Sourced<string> | undefined } {
  const families: readonly { cert: SstOption; key: SstOption; scopes: readonly Scope[] }[] = [
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
    hint: "set tcert (and tkey, unless tcert's file holds the key too) and tca in the [sst] section: galera-sst-tunnel certs issue NODE makes the files and prints the lines; my_print_defaults sst shows what is set",
  });
}

/** All trust comes from one family: beside `tca` the server's own `ssl-capath` would let in whom it was not set for. */
function resolveTrust(
  settings: Settings,
  side: 'server' | 'client',
): { caFile?: Sourced<string> | undefined; caPath?: Sourced<string> | undefined } {
  const families: readonly { file: SstOption; path: SstOption; scopes: readonly Scope[] }[] = [
    { file: 'tca', path: 'tcap', scopes: files },
    { file: `ssl-${side}-ca`, path: `ssl-${side}-capath`, scopes: files },
    { file: 'ssl-ca', path: 'ssl-capath', scopes: files },
    { file: `ssl-${side}-ca`, path: `ssl-${side}-capath`, scopes: server },
    { file: 'ssl-ca', path: 'ssl-capath', scopes: server },
  ];
  for (const family of families) {
    const caFile = nonEmpty(find(settings, family.file, family.scopes));
    const caPath = nonEmpty(find(settings, family.path, family.scopes));
    if (caFile !== undefined || caPath !== undefined) return { caFile, caPath };
  }
  return {};
}

function nonEmpty(setting: Sourced<string> | undefined): Sourced<string> | undefined {
  return setting?.value === '' ? undefined : setting;
}

/** Options of ours that an administrator may not change: they decide what the tunnel is, not how it is built. */
const reserved = new Set(['fork', 'cert', 'key', 'cafile', 'capath']);

/** socat's other names for the options that matter here; a leading `openssl-` is left out before. */
const aliases: Readonly<Record<string, string>> = {
  certificate: 'cert',
  ca: 'cafile',
  cipherlist: 'cipher',
  ciphers: 'cipher',
  'min-version': 'min-proto-version',
  'max-version': 'max-proto-version',
  cn: 'commonname',
  nosni: 'no-sni',
  'so-keepalive': 'keepalive',
  'tcp-keepidle': 'keepidle',
  'tcp-keepintvl': 'keepintvl',
  'tcp-keepcnt': 'keepcnt',
  'tcp-nodelay': 'nodelay',
  'so-reuseaddr': 'reuseaddr',
};

/** The name under which an option of `sockopt` is compared: lower case, without `openssl-`, the longer of two names. */
export function socketOptionName(option: string): string {
  const name = (option.split('=')[0] ?? '').toLowerCase().replace(/^openssl-/, '');
  return Object.hasOwn(aliases, name) ? (aliases[name] ?? name) : name;
}

/** Whether TCP's congestion control is among them, under one of socat's names that set something by the kernel's numbers, as C reads them: `setsockopt=6:13:…`. */
export function setsCongestion({ options }: Pick<SocketOptions, 'options'>): boolean {
  return options.some((option) => /^(set)?sockopt(-\w+)?=0*(6|x0*6):0*(13|15|xd):/i.test(option));
}

/** Takes `sockopt` apart at its commas; a leading comma, as other SST methods want it, is accepted. */
export function parseSocketOptions(source: Sourced<string> | undefined): SocketOptions {
  if (source === undefined) return { options: [] };
  const refuse = (message: string, hint?: string): never => {
    throw new TransferError('OPTION_INVALID', `sockopt ${message}`, {
      option: 'sockopt',
      where: placeOf(source.source),
      hint,
    });
  };
  if (/[\0-\x1f]/.test(source.value)) refuse('holds a control character');
  if (source.value.includes('!!')) refuse('holds "!!", which would begin a second socat address');
  // In an unclosed quote or behind a last backslash socat (1.7.4.4) reads on in the next argument.
  const open = unclosed(source.value);
  if (open !== undefined) refuse(open);
  const options: string[] = [];
  let verify: boolean | undefined;
  let commonName: string | undefined;
  for (const option of source.value.split(',').map((part) => part.trim())) {
    if (option === '') continue;
    // socat takes quotes and backslashes out of names too: `ver"if"y=0` must not pass for something else.
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*(=|$)/.test(option)) {
      refuse(`holds ${JSON.stringify(option)}, expected name or name=value`);
    }
    const name = socketOptionName(option);
    const value = option.includes('=') ? option.slice(option.indexOf('=') + 1) : undefined;
    if (reserved.has(name)) {
      refuse(`may not set ${name}: it is set from other options`, 'use tca, tcap, tcert and tkey');
    } else if (name === 'verify') {
      // socat reads numbers as C does, `0x0` or `-0` turn verification off as well.
      if (value !== undefined && value !== '0' && value !== '1') refuse(`has ${option}, expected 0 or 1`);
      verify = value !== '0';
    } else if (name === 'commonname') {
      if (value === undefined || value === '') {
        refuse('has commonname without a name', 'ssl-mode=VERIFY_CA turns off the check of names');
      }
      commonName = value;
    } else if (name === 'cipher' && value !== undefined && value !== '') {
      options.push(`${option.slice(0, option.indexOf('='))}=${cipherList(value, source, refuse)}`);
    } else {
      if (oldVersions[name]?.test(unquoted(value ?? '')) === true) {
        refuse(
          `has ${option}, and versions before TLS 1.2 are broken`,
          'name TLS1.2 or TLS1.3, or use tls-version in [sst]',
        );
      }
      options.push(option);
    }
  }
  return { options, source, verify, commonName, family: familyOf(options) };
}

/** socat's names for what is older than TLS 1.2, by the option that would allow or ask for it. */
const oldVersions: Readonly<Partial<Record<string, RegExp>>> = {
  'min-proto-version': /^(D?TLSv?1(\.[01])?|SSLv?[23])$/i,
  'max-proto-version': /^(D?TLSv?1(\.[01])?|SSLv?[23])$/i,
  method: /^(D?TLSv?1(\.[01])?|SSLv?[23])$/i,
};

/** As socat reads it, which takes quotes and backslashes out of values. */
export function unquoted(value: string): string {
  return value.replaceAll(/["'\\]/g, '');
}

/** Checked as socat would hand it to OpenSSL. */
function cipherList(
  value: string,
  { source }: Sourced<string>,
  refuse: (message: string, hint: string) => never,
): string {
  const list = unquoted(value);
  if (!/^[A-Za-z0-9_.:!+@=-]+$/.test(list)) {
    refuse(
      `has the list of ciphers ${JSON.stringify(value)}`,
      "write names in OpenSSL's notation with colons between them",
    );
  }
  refuseClearTextCiphers(list, { option: 'sockopt', where: placeOf(source) });
  return list;
}

function unclosed(text: string): string | undefined {
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '\\' && quote !== "'") {
      if (at === text.length - 1) return 'ends in a backslash';
      at += 1;
    } else if (quote !== '') {
      if (char === quote) quote = '';
    } else if (char === '"' || char === "'") quote = char;
  }
  return quote === '' ? undefined : `holds a quote (${quote}) that nothing closes`;
}

function familyOf(options: readonly string[]): 4 | 6 | undefined {
  const given = options.find((option) => ['pf', 'protocol-family'].includes(socketOptionName(option)));
  const name = given?.slice(given.indexOf('=') + 1).toLowerCase() ?? '';
  if (/^(ip6|inet6|ipv6|10)$/.test(name)) return 6;
  return /^(ip4|inet|inet4|ipv4|ip|2)$/.test(name) ? 4 : undefined;
}
