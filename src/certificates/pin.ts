import type { CertificateFacts } from './facts.js';

/**
 * The string for socat's `commonname=` with which socat accepts the certificate that was seen, and of others only
 * those that hold the same entry. `matched` is what matchName returned; without it (name not checked) the CN or
 * another entry is taken. Empty when the certificate names nothing that socat could compare: `commonname=` then
 * turns the name check off and needs `no-sni=1`.
 */
export function pinFor(facts: CertificateFacts, matched: string | undefined): string {
  return matched ?? facts.commonName ?? facts.dnsNames[0] ?? facts.ipAddresses[0] ?? '';
}
