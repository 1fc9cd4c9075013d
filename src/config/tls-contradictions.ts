import type { Finding } from '../errors.js';
import { contradiction, given } from './conflict.js';
import { find, type Scope, type Settings } from './settings.js';
import { placeOf } from './source.js';
import { resolveTlsLimits, splitCiphers } from './tls-limits.js';
import { parseSocketOptions, socketOptionName, type SocketOptions } from './tls.js';

const sst: readonly Scope[] = ['[sst]'];
const server = ['server arguments', '[mysqld]'] as const;

export function aboutVerification(settings: Settings): readonly Finding[] {
  const sockopt = socketOptions(settings);
  const mode = given(settings, 'ssl-mode', ['[sst]', '[mysqld]']);
  const name = mode?.value.trim().toUpperCase().replaceAll('-', '_');
  const { source, verify, commonName } = sockopt;
  const isOff = verify === false || (name === 'REQUIRED' && verify !== true);
  const crl = given(settings, 'ssl-crl', sst) ?? given(settings, 'ssl-crlpath', sst);
  const off = verify === false ? source : mode;
  return [
    ...(mode !== undefined && source !== undefined && verify === false && name !== 'REQUIRED'
      ? [contradiction(mode, source, 'peers are not verified', 'remove verify=0 from sockopt')]
      : []),
    ...(mode !== undefined && source !== undefined && verify === true && name === 'REQUIRED'
      ? [
          contradiction(
            mode,
            source,
            'peers are verified, but not their names',
            'remove both: VERIFY_IDENTITY is the default',
          ),
        ]
      : []),
    ...(isOff && off !== undefined && source !== undefined && commonName !== undefined
      ? [contradiction(source, off, "nobody's name is looked at", 'verify peers, or remove commonname')]
      : []),
    ...(isOff && off !== undefined && crl !== undefined
      ? [
          contradiction(
            crl,
            off,
            'revoked certificates are accepted',
            'verify peers: without that lists are in vain',
          ),
        ]
      : []),
  ];
}

const versionNames = ['TLS1.2', 'TLS1.3'];

export function aboutVersions(settings: Settings): readonly Finding[] {
  const sockopt = socketOptions(settings);
  const { versions } = resolveTlsLimits(settings);
  const [from, to] = ['min-proto-version', 'max-proto-version'].map((name) => {
    const option = sockopt.options.find((one) => socketOptionName(one) === name);
    return option === undefined ? -1 : versionNames.indexOf(option.replace(/.*=/, '').replace('v', ''));
  });
  const min = from === -1 ? versions?.value.min : versionNames[from ?? -1];
  const max = to === -1 ? versions?.value.max : versionNames[to ?? -1];
  const setting = sockopt.source;
  if (min === undefined || max === undefined || setting === undefined) return [];
  if (min.replace('v', '') <= max.replace('v', '')) return [];
  const hint = 'set tls-version alone: it says both; my_print_defaults sst mysqld shows what is set';
  if (versions === undefined) {
    const message = `sockopt allows TLS from ${min} and up to ${max}: no version is left, and no handshake can succeed`;
    return [
      {
        severity: 'warning',
        code: 'OPTION_CONFLICT',
        message,
        option: 'sockopt',
        where: placeOf(setting.source),
        hint,
      },
    ];
  }
  const named = { value: given(settings, 'tls-version', everywhere)?.value ?? '', source: versions.source };
  return [contradiction(named, setting, 'no version is left, and no handshake can succeed', hint)];
}

const everywhere: readonly Scope[] = ['[sst]', ...server];

export function aboutCiphers(settings: Settings): readonly Finding[] {
  const { versions, ciphers } = resolveTlsLimits(settings);
  const { options, source } = socketOptions(settings);
  const own = given(settings, 'ssl-cipher', sst);
  const others = options.some((option) => socketOptionName(option) === 'cipher');
  const twice =
    own !== undefined && source !== undefined && others
      ? [contradiction(own, source, "sockopt's ciphers count", 'name the ciphers in one of both')]
      : [];
  if (ciphers === undefined || versions === undefined) return twice;
  const { older, tls13 } = splitCiphers(ciphers.value);
  const { min, max } = versions.value;
  const named = { value: given(settings, 'tls-version', everywhere)?.value ?? '', source: versions.source };
  if (max === 'TLSv1.2' && older === '' && tls13 !== '')
    return [
      ...twice,
      contradiction(
        ciphers,
        named,
        'these ciphers are of TLS 1.3 only, so none of them counts',
        'allow TLSv1.3, or name ciphers of TLS 1.2',
      ),
    ];
  if (min === 'TLSv1.3' && tls13 === '' && older !== '')
    return [
      ...twice,
      contradiction(
        ciphers,
        named,
        'these ciphers are older than TLS 1.3, so none of them counts',
        'name ciphers of TLS 1.3 (TLS_…), or allow TLSv1.2',
      ),
    ];
  return twice;
}

/** `[sst] sockopt`, taken apart. */
export function socketOptions(settings: Settings): SocketOptions {
  return parseSocketOptions(find(settings, 'sockopt', sst));
}
