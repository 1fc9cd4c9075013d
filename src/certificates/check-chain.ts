import type { Finding } from '../errors.js';
import { findChain } from './chain.js';
import { dateFindings, quote, whose, type Blame } from './checks.js';
import type { CertificateFacts } from './facts.js';
import type { Trust } from './trust.js';

/**
 * Follows the issuers up to a root in `trust`; also names a CA on the way that is expired or is no CA. Where nothing else is to blame
 * it is the option that names whom to trust.
 */
export function checkChain(
  leaf: CertificateFacts,
  intermediates: readonly CertificateFacts[],
  trust: Pick<Trust, 'certificates' | 'by'>,
  now: Date,
  blame: Blame = {},
): readonly Finding[] {
  const who = whose(leaf, blame);
  const trustName = trustNameOf(trust, blame);
  const chain = findChain(leaf, intermediates, trust.certificates, now);
  const place = blame.option === undefined ? trust.by : { option: blame.option, where: blame.where };
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
          hint: `${trustName} must hold ${chain.end === leaf ? 'it' : 'the CA certificate that signed it'}; galera-sst-tunnel certs show FILE tells who has`,
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
          hint: `the CA was probably created anew: put the CA certificate that signed it into ${trustName}, or issue it again with the present CA: galera-sst-tunnel certs issue NODE --force`,
          ...place,
        },
      ];
    case 'no-issuer':
      return [{ ...missingIssuer(chain.end, leaf, who, trust, blame), ...place }];
  }
}

function trustNameOf({ by }: Pick<Trust, 'by'>, { trustName }: Blame): string {
  return trustName ?? by?.option ?? 'tca';
}

function missingIssuer(
  end: CertificateFacts,
  leaf: CertificateFacts,
  who: string,
  trust: Pick<Trust, 'certificates' | 'by'>,
  blame: Blame,
): Finding {
  const trustName = trustNameOf(trust, blame);
  const chainName = blame.chainName ?? 'the file that tcert names';
  // The options of the tunnel, or those of the server's own TLS.
  const certName = trustName === 'tca' ? 'tcert' : 'ssl_cert';
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
      ? `append the intermediate CA's certificate to the file that ${certName} names (galera-sst-tunnel certs bundle), or add it to ${trustName}`
      : `${trustName} must hold the certificate of ${quote(end.issuer)} and those above it; an intermediate CA may instead stand behind the node's certificate in the file that ${certName} names; galera-sst-tunnel certs show FILE tells who has signed whom`,
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
        ? 'renew the CA certificate and give it to all nodes: galera-sst-tunnel certs renew ca'
        : finding.hint,
  }));
  if (issuer.isCa) return dates;
  return [
    ...dates,
    {
      severity: 'error',
      code: 'CERTIFICATE_UNTRUSTED',
      message: `${quote(issuer.subject)} signed ${who}, but is not marked as a CA certificate`,
      hint: 'issue the CA certificate with basicConstraints CA:TRUE, as galera-sst-tunnel certs init-ca does',
      option: blame.option,
      where: blame.where,
    },
  ];
}

function holds(trust: Pick<Trust, 'certificates' | 'by'>, trustName: string): string {
  const subjects = trust.certificates.slice(0, 3).map((facts) => quote(facts.subject));
  if (subjects.length === 0) return ` (${trustName} holds no certificate)`;
  const more = trust.certificates.length - subjects.length;
  return ` (${trustName} holds ${subjects.join(', ')}${more > 0 ? ` and ${more} more` : ''})`;
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
