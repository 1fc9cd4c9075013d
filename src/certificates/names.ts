import type { CertificateFacts } from './facts.js';
import { canonicalIp } from './ip-address.js';

/**
 * The certificate's own entry that names the address, literally; undefined when none does. Accepts what both
 * RFC 6125 and socat 1.7.4.4 accept: CN or subjectAltName, host names without regard to case, `*.` for exactly
 * one label, IP addresses in any spelling. (socat also lets `*.example.com` stand for `example.com`.)
 */
export function matchName(facts: CertificateFacts, address: string): string | undefined {
  const { commonName, dnsNames, ipAddresses } = facts;
  const ip = canonicalIp(address);
  if (ip !== undefined) {
    const entry = ipAddresses.find((candidate) => candidate === ip);
    return entry ?? [commonName, ...dnsNames].find((name) => name !== undefined && canonicalIp(name) === ip);
  }
  const names = commonName === undefined ? dnsNames : [commonName, ...dnsNames];
  // a name that stands there in full is a better pin than a wildcard
  return names.find((name) => isSameHost(name, address)) ?? names.find((name) => coversHost(name, address));
}

function isSameHost(name: string, host: string): boolean {
  return foldHost(name) === foldHost(host) && host !== '';
}

function coversHost(name: string, host: string): boolean {
  if (!name.startsWith('*.') || name.length < 3) return false;
  const [label, ...rest] = foldHost(host).split('.');
  return label !== '' && label !== '*' && rest.length > 0 && rest.join('.') === foldHost(name.slice(2));
}

function foldHost(name: string): string {
  return name.toLowerCase();
}
