import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { splitCiphers, type TlsLimits } from '../config/tls-limits.js';

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

/** Whether OpenSSL (Node's) finds anything under a name or rule of a list: `HIGH`, `!aNULL`, `ECDHE-RSA-AES256-GCM-SHA384`. */
export function isCipherKnown(rule: string): boolean {
  // What takes suites out or sorts them is no error, whatever it names.
  if (/^[-!+@]/.test(rule)) return true;
  try {
    createSecureContext({ ciphers: rule });
    return true;
  } catch {
    return false;
  }
}
