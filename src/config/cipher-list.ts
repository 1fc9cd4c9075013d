import { TransferError } from '../errors.js';

/** Where a list of ciphers stands, for a refusal. */
interface CipherListPlace {
  readonly option: string;
  readonly where?: string | undefined;
}

/** Added to every list: whatever it and openssl.cnf say, OpenSSL then takes neither kind in. */
const never = ':!aNULL:!eNULL';

/** A list as the tunnel hands it on: without suites that do not encrypt, and without those that authenticate nobody. */
export function encryptedOnly(list: string): string {
  return `${list}${never}`;
}

/** A list in the words of the administrator. */
export function asWritten(list: string): string {
  return list.endsWith(never) ? list.slice(0, -never.length) : list;
}

/**
 * Refuses a list in OpenSSL's notation that asks for suites without encryption or without authentication, or for
 * the security level 0, at which alone OpenSSL (3.0) lets names such as `kRSA` or `ALL` stand for them too.
 * @throws TransferError CLEAR_TEXT_REFUSED.
 */
export function refuseClearTextCiphers(list: string, { option, where }: CipherListPlace): void {
  const asked = weakRules(list);
  if (asked === undefined) return;
  throw new TransferError(
    'CLEAR_TEXT_REFUSED',
    `${option} has ${asked} in its list of ciphers, which lets through connections that are not encrypted or not authenticated: this method never sends clear text`,
    {
      option,
      where,
      hint: `remove ${asked} from ${option}, or remove the list: OpenSSL's own is safe (ssl-cipher in [sst] is for transfers alone); openssl ciphers -v LIST shows what one allows`,
    },
  );
}

/** OpenSSL needs no separators: a sign begins the next rule, too (`DEFAULT@SECLEVEL=0`). */
function weakRules(list: string): string | undefined {
  for (const [rule, sign, names = ''] of list.matchAll(/([-!+@]?)([\w.=-]+(?:\+[\w.=-]+)*)/g)) {
    if (sign === '@' && /^SECLEVEL=0/i.test(names)) return rule;
    // Others take suites out, or move those that are in the list already.
    if (sign === '' && names.split('+').some(isWeak)) return rule;
  }
  return undefined;
}

/** `TLS_SHA256_SHA256` and `TLS_SHA384_SHA384` of TLS 1.3 (RFC 9150) have no encryption either. */
function isWeak(name: string): boolean {
  return (
    /^(TLS_)?SHA(256|384)_SHA(256|384)$/i.test(name) ||
    /^COMPLEMENTOF/i.test(name) ||
    /(^|[-_])(e?NULL|aNULL|ADH|AECDH|anon)([-_]|$)/i.test(name)
  );
}
