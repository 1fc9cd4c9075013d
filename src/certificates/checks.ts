import type { Finding } from '../errors.js';
import type { CertificateFacts } from './facts.js';
import { matchName } from './names.js';

/** Whose certificate it is, and which setting is to blame. */
export interface Blame {
  /** Begins the message: `the joiner's certificate`; default `the certificate`. */
  readonly who?: string | undefined;
  readonly option?: string | undefined;
  readonly where?: string | undefined;
  /** What the trusted certificates are called: `tca` by default. */
  readonly trustName?: string | undefined;
  /** The file that the intermediates came from, or whatever else to call them; default `the file that tcert names`. */
  readonly chainName?: string | undefined;
  /** Certificates known from elsewhere (a donor's own chain): they tell a missing intermediate from an unknown CA. */
  readonly known?: readonly CertificateFacts[] | undefined;
}

const dayMs = 86_400_000;

/** Expired (how long ago), not valid yet (by how much the clocks differ), or, as a warning, about to expire. */
export function checkDates(facts: CertificateFacts, now: Date, blame: Blame = {}): readonly Finding[] {
  return dateFindings(facts, now, whose(facts, blame), blame);
}

/** As `checkDates`, of a certificate that is called `who`. */
export function dateFindings(
  facts: CertificateFacts,
  now: Date,
  who: string,
  blame: Blame,
): readonly Finding[] {
  const place = { option: blame.option, where: blame.where };
  const { notBefore, notAfter } = facts;
  if (now > notAfter) {
    const message = `${who} expired ${duration(now.getTime() - notAfter.getTime())} ago, on ${instant(notAfter)}`;
    return [{ severity: 'error', code: 'CERTIFICATE_EXPIRED', message, ...place }];
  }
  if (now < notBefore) {
    const ahead = duration(notBefore.getTime() - now.getTime());
    const message = `${who} is valid only from ${instant(notBefore)}, ${ahead} after this host's clock (${instant(now)})`;
    return [{ severity: 'error', code: 'CERTIFICATE_NOT_YET_VALID', message, ...place }];
  }
  const leftMs = notAfter.getTime() - now.getTime();
  // short-lived certificates are renewed by machines: those warn only in the last fifth of their life
  const soonMs = Math.min(14 * dayMs, (notAfter.getTime() - notBefore.getTime()) / 5);
  if (leftMs > soonMs) return [];
  const message = `${who} expires in ${duration(leftMs)}, on ${instant(notAfter)}`;
  return [{ severity: 'warning', code: 'CERTIFICATE_EXPIRES_SOON', message, ...place }];
}

const usageOids = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

/** Whether the certificate may be used as TLS server (a joiner) or client (a donor). */
export function checkUsage(
  facts: CertificateFacts,
  as: 'server' | 'client',
  blame: Blame = {},
): readonly Finding[] {
  const usages = facts.extendedKeyUsages;
  // OpenSSL 3.0 does not take anyExtendedKeyUsage for TLS either
  if (usages === undefined || usages.includes(usageOids[as])) return [];
  const role = as === 'server' ? 'a TLS server (joiner)' : 'a TLS client (donor)';
  return [
    {
      severity: 'error',
      code: 'CERTIFICATE_USAGE',
      message: `${whose(facts, blame)} must not be used by ${role}: its extendedKeyUsage holds only ${usages.map(usageName).join(', ')}`,
      option: blame.option,
      where: blame.where,
    },
  ];
}

function usageName(oid: string): string {
  if (oid === usageOids.server) return 'serverAuth';
  return oid === usageOids.client ? 'clientAuth' : oid;
}

/** An address that the certificate has to name. */
export interface WantedName {
  readonly address: string;
  /** What the address is: `the effective address`, `bind_address`. */
  readonly what: string;
  /** Where the address was set. */
  readonly where?: string | undefined;
  /** Default: error. */
  readonly severity?: Finding['severity'] | undefined;
}

/** One finding for each wanted address that the certificate does not name. */
export function checkNames(
  facts: CertificateFacts,
  wanted: readonly WantedName[],
  blame: Blame = {},
): readonly Finding[] {
  return wanted
    .filter(({ address }) => matchName(facts, address) === undefined)
    .map(({ address, what, where, severity }) => ({
      severity: severity ?? 'error',
      code: 'CERTIFICATE_NAME_MISMATCH',
      message: `${what} ${quote(address)}${where === undefined ? '' : ` (${where})`} is not named by ${whose(facts, blame)}, which has ${listNames(facts)}`,
      option: blame.option,
      where: blame.where,
    }));
}

/** `commonName "node1", subjectAltName DNS "node1.my.cluster", IP 10.0.0.1`. */
export function listNames(facts: CertificateFacts): string {
  const alternatives = [
    ...facts.dnsNames.map((name) => `DNS ${quote(name)}`),
    ...facts.ipAddresses.map((address) => `IP ${address}`),
  ];
  const commonName =
    facts.commonName === undefined ? 'no commonName' : `commonName ${quote(facts.commonName)}`;
  return `${commonName} and ${alternatives.length === 0 ? 'no subjectAltName' : `subjectAltName ${alternatives.join(', ')}`}`;
}

/** `the certificate "CN=node1"`. */
export function whose(facts: CertificateFacts, blame: Blame): string {
  return `${blame.who ?? 'the certificate'} ${quote(facts.subject)}`;
}

/** Names come from peers: line ends and the like must not reach a log as they are. */
export function quote(text: string): string {
  return JSON.stringify(text);
}

export function instant(date: Date): string {
  return date.toISOString().replace('T', ' ').replace(/\..*/, ' UTC');
}

/** The two largest units, rounded down: `3 days 4 hours`. */
export function duration(ms: number): string {
  const units = [
    ['day', dayMs],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1000],
  ] as const;
  let restMs = Math.max(ms, 0);
  const parts: string[] = [];
  for (const [unit, unitMs] of units) {
    const count = Math.floor(restMs / unitMs);
    restMs -= count * unitMs;
    if (count > 0) parts.push(`${count} ${unit}${count === 1 ? '' : 's'}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.length === 0 ? '0 seconds' : parts.join(' ');
}
