import type { Finding } from '../errors.js';
import { findChain } from './chain.js';
import type { CertificateFacts } from './facts.js';
import { matchName } from './names.js';
import type { Trust } from './trust.js';

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

/** Follows the issuers up to a root in `trust`; also names a CA on the way that is expired or is no CA. */
export function checkChain(
  leaf: CertificateFacts,
  intermediates: readonly CertificateFacts[],
  trust: Pick<Trust, 'certificates'>,
  now: Date,
  blame: Blame = {},
): readonly Finding[] {
  const who = whose(leaf, blame);
  const trustName = blame.trustName ?? 'tca';
  const chain = findChain(leaf, intermediates, trust.certificates, now);
  const place = { option: blame.option, where: blame.where };
  switch (chain.kind) {
    case 'complete':
      return chain.issuers.flatMap((issuer) => checkIssuer(issuer, who, now, blame));
    case 'self-signed': {
      const what =
        chain.end === leaf
          ? `${who} is self-signed`
          : `${who} leads up to the self-signed ${quote(chain.end.subject)}`;
      return [
        {
          severity: 'error',
          code: 'CERTIFICATE_UNTRUSTED',
          message: `${what} and ${trustName} does not hold ${chain.end === leaf ? 'it' : 'that one'}${holds(trust, trustName)}`,
          ...place,
        },
      ];
    }
    case 'wrong-key':
      return [
        {
          severity: 'error',
          code: 'CERTIFICATE_UNTRUSTED',
          message: `${who} names ${quote(chain.end.issuer)} as its issuer, but was signed with another key than that of the certificate of this name at hand (valid since ${day(chain.namesake.notBefore)})`,
          hint: 'the CA was probably created anew: put the CA certificate that signed it into tca, or issue it again with the present CA',
          ...place,
        },
      ];
    case 'no-issuer':
      return [{ ...missingIssuer(chain.end, leaf, who, trust, blame), ...place }];
  }
}

function missingIssuer(
  end: CertificateFacts,
  leaf: CertificateFacts,
  who: string,
  trust: Pick<Trust, 'certificates'>,
  blame: Blame,
): Finding {
  const trustName = blame.trustName ?? 'tca';
  const chainName = blame.chainName ?? 'the file that tcert names';
  const intermediate =
    (blame.known ?? []).some((facts) => facts.subject === end.issuer && !facts.selfIssued) ||
    trust.certificates.some((root) => shareOrganisation(root.subject, end.issuer));
  const issued =
    end === leaf ? `${who} was issued by` : `${who} leads up to ${quote(end.subject)}, issued by`;
  return {
    severity: 'error',
    code: intermediate ? 'CERTIFICATE_INTERMEDIATE_MISSING' : 'CERTIFICATE_UNTRUSTED',
    message: `${issued} ${quote(end.issuer)}, whose certificate is neither in ${trustName} nor in ${chainName}${holds(trust, trustName)}`,
    hint: intermediate
      ? undefined
      : `${trustName} must hold the certificate of ${quote(end.issuer)} and those above it; an intermediate CA may instead stand behind the node's certificate in the file that tcert names`,
  };
}

/** Nothing but names can tell an intermediate that is absent from a CA that is foreign: the same organisation suggests the former. */
function shareOrganisation(subject: string, issuer: string): boolean {
  const organisation = (name: string) => /(?:^|, )O=((?:[^,\\]|\\.)*)/.exec(name)?.[1];
  const wanted = organisation(issuer);
  return wanted !== undefined && organisation(subject) === wanted;
}

function checkIssuer(issuer: CertificateFacts, who: string, now: Date, blame: Blame): readonly Finding[] {
  const name = `the CA certificate ${quote(issuer.subject)} above ${who}`;
  const dates = dateFindings(issuer, now, name, blame).map((finding) => ({
    ...finding,
    hint:
      finding.code === 'CERTIFICATE_EXPIRED'
        ? 'renew the CA certificate and give it to all nodes'
        : finding.hint,
  }));
  if (issuer.isCa) return dates;
  return [
    ...dates,
    {
      severity: 'error',
      code: 'CERTIFICATE_UNTRUSTED',
      message: `${quote(issuer.subject)} signed ${who}, but is not marked as a CA certificate`,
      hint: 'issue the CA certificate with basicConstraints CA:TRUE',
      option: blame.option,
      where: blame.where,
    },
  ];
}

/** Expired (how long ago), not valid yet (by how much the clocks differ), or, as a warning, about to expire. */
export function checkDates(facts: CertificateFacts, now: Date, blame: Blame = {}): readonly Finding[] {
  return dateFindings(facts, now, whose(facts, blame), blame);
}

function dateFindings(facts: CertificateFacts, now: Date, who: string, blame: Blame): readonly Finding[] {
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

function whose(facts: CertificateFacts, blame: Blame): string {
  return `${blame.who ?? 'the certificate'} ${quote(facts.subject)}`;
}

function holds(trust: Pick<Trust, 'certificates'>, trustName: string): string {
  const subjects = trust.certificates.slice(0, 3).map((facts) => quote(facts.subject));
  if (subjects.length === 0) return ` (${trustName} holds no certificate)`;
  const more = trust.certificates.length - subjects.length;
  return ` (${trustName} holds ${subjects.join(', ')}${more > 0 ? ` and ${more} more` : ''})`;
}

/** Names come from peers: line ends and the like must not reach a log as they are. */
function quote(text: string): string {
  return JSON.stringify(text);
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function instant(date: Date): string {
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
