import { isIP } from 'node:net';
import { parseAlternativeNames } from './facts.js';
import type { CertificateFacts } from './facts.js';

/**
 * The string for socat's `commonname=` with which socat accepts the certificate that was seen, and of others only
 * those that hold the same entry. `matched` is what matchName returned; without it (name not checked) an entry is
 * chosen. Empty when the certificate names nothing that socat could compare: `commonname=` then turns the name
 * check off and needs `no-sni=1`. The string still needs socat's escaping.
 *
 * Measured with socat 1.7.4.4: it compares the pin with the subjectAltName entries in their order, then with the
 * CN, byte by byte (wildcards pin themselves, IPv6 in any spelling). When it comes to an IPv6 entry it resolves the
 * pin as IPv6 address and gives up if that fails, even if a later entry or the CN would match. An IPv6 entry
 * itself always works, so it takes the place of whatever stands behind it.
 */
export function pinFor(facts: CertificateFacts, matched: string | undefined): string {
  const entries = parseAlternativeNames(facts.x509.subjectAltName ?? '').filter(
    ({ kind }) => kind === 'DNS' || kind === 'IP Address',
  );
  const ipv6At = entries.findIndex(({ kind, value }) => kind === 'IP Address' && isIP(value) === 6);
  const wanted = matched ?? pinnable(facts) ?? '';
  if (ipv6At === -1 || entries.slice(0, ipv6At).some(({ value }) => value === wanted)) return wanted;
  return facts.ipAddresses.find((address) => isIP(address) === 6) ?? wanted;
}

/** No argument can hold a NUL, which a name in a certificate can. */
function pinnable({ commonName, dnsNames, ipAddresses }: CertificateFacts): string | undefined {
  const names = [commonName, ...dnsNames, ...ipAddresses];
  return names.find((name) => name !== undefined && name !== '' && !name.includes('\0'));
}
