import { createSecureContext, DEFAULT_CIPHERS, type SecureContextOptions } from 'node:tls';
import { splitCiphers, type TlsLimits } from '../config/tls-limits.js';
import { placeOf } from '../config/source.js';
import type { Finding } from '../errors.js';
import { systemSettings } from './openssl-settings.js';

/** OpenSSL's own for TLS 1.3: Node would turn that version off where a list of ciphers has none of it. */
const usual13 = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256';

/** `tls_version` and `ssl_cipher` as Node has them; never older than TLS 1.2. */
export function secureLimits({
  versions,
  ciphers,
}: TlsLimits): Pick<SecureContextOptions, 'minVersion' | 'maxVersion' | 'ciphers'> {
  const { older, tls13 } = splitCiphers(ciphers?.value ?? '');
  return {
    minVersion: versions?.value.min ?? 'TLSv1.2',
    ...(versions === undefined ? {} : { maxVersion: versions.value.max }),
    ...(ciphers === undefined
      ? {}
      : { ciphers: [tls13 === '' ? usual13 : tls13, ...(older === '' ? [] : [older])].join(':') }),
  };
}

/**
 * As secureLimits, at the level of security that socat and the server have on this host: Node brings an OpenSSL with one of its own.
 * OpenSSL refuses a level with no older suite beside it, where a list names those of TLS 1.3 only: Node (20, 24) speaks nothing older
 * with such a list, unless `tls_version` allows nothing newer.
 */
export function asPrograms(
  limits: TlsLimits,
): Pick<SecureContextOptions, 'minVersion' | 'maxVersion' | 'ciphers'> {
  const secure = secureLimits(limits);
  const list = secure.ciphers ?? DEFAULT_CIPHERS;
  if (list.includes('@SECLEVEL')) return secure;
  const level = `@SECLEVEL=${securityLevel(limits)}`;
  if (splitCiphers(list).older !== '') return { ...secure, ciphers: `${list}:${level}` };
  return {
    ...secure,
    ...(secure.maxVersion === 'TLSv1.2' ? {} : { minVersion: 'TLSv1.3' }),
    ciphers: `${list}:DEFAULT:${level}`,
  };
}

/** From 2 on: RSA from 2048 bits and no SHA-1. Debian and others build OpenSSL with 2; administrators lower it where they must. */
export function securityLevel({ ciphers }: TlsLimits): string {
  const inList = /@SECLEVEL=(\d)/.exec(ciphers?.value ?? '')?.[1];
  return inList ?? /^\s*CipherString\s*=.*@SECLEVEL=(\d)/m.exec(systemSettings())?.[1] ?? '2';
}

/** For contexts that judge no peer. Without a list Node reads the 140 certificates that it brings along: 18 ms and some MB (20.20). */
export const trustNobody: string[] = [];

/** Of a list of ciphers in which OpenSSL knows nothing: neither socat nor the handshake before the lock would begin. */
export function checkCipherList({ ciphers }: Pick<TlsLimits, 'ciphers'>): readonly Finding[] {
  if (ciphers === undefined) return [];
  try {
    createSecureContext({ ...asPrograms({ ciphers }), ca: trustNobody });
    return [];
  } catch {
    return [
      {
        severity: 'error',
        ...(ciphers.source.name === 'sockopt'
          ? { code: 'SOCKOPT_REJECTED' as const }
          : { code: 'OPTION_INVALID' as const, hint: 'the command openssl ciphers -v ALL lists the names' }),
        message: `${ciphers.source.name}: OpenSSL knows no cipher in ${JSON.stringify(ciphers.value)}`,
        option: ciphers.source.name,
        where: placeOf(ciphers.source),
      },
    ];
  }
}

/** Whether OpenSSL (Node's) finds anything under a name or rule of a list: `HIGH`, `!aNULL`, `ECDHE-RSA-AES256-GCM-SHA384`. */
export function isCipherKnown(rule: string): boolean {
  // What takes suites out or sorts them is no error, whatever it names.
  if (/^[-!+@]/.test(rule)) return true;
  try {
    createSecureContext({ ciphers: rule, ca: trustNobody });
    return true;
  } catch {
    return false;
  }
}
