import type { CertificateFacts } from './facts.js';

/** Where the way up from a certificate ends. */
export type Chain =
  | { readonly kind: 'complete'; readonly issuers: readonly CertificateFacts[] }
  /** `end` signed itself and is not trusted. */
  | { readonly kind: 'self-signed'; readonly end: CertificateFacts }
  /** The issuer of `end` is not at hand. */
  | { readonly kind: 'no-issuer'; readonly end: CertificateFacts }
  /** There is a certificate with the issuer's name, but its key did not sign `end`. */
  | { readonly kind: 'wrong-key'; readonly end: CertificateFacts; readonly namesake: CertificateFacts };

/**
 * Follows issuers from `leaf` to a trusted self-signed certificate, as OpenSSL 3 does without partial chains:
 * trusted certificates first, then those that came with the leaf; of several with one name and key, one
 * that is valid now.
 */
export function findChain(
  leaf: CertificateFacts,
  intermediates: readonly CertificateFacts[],
  trusted: readonly CertificateFacts[],
  now: Date,
): Chain {
  const issuers: CertificateFacts[] = [];
  let end = leaf;
  for (;;) {
    if (isSelfSigned(end)) {
      return trusted.some((facts) => isSame(facts, end))
        ? { kind: 'complete', issuers }
        : { kind: 'self-signed', end };
    }
    const candidates = [...trusted, ...intermediates].filter(
      (facts) => facts.x509.subject === end.x509.issuer,
    );
    const signers = candidates.filter(
      (facts) => hasSigned(facts, end) && ![leaf, ...issuers].includes(facts),
    );
    const issuer = signers.find((facts) => facts.notBefore <= now && now <= facts.notAfter) ?? signers[0];
    if (issuer === undefined) {
      const namesake = candidates.find((facts) => !isSame(facts, end));
      return namesake === undefined ? { kind: 'no-issuer', end } : { kind: 'wrong-key', end, namesake };
    }
    issuers.push(issuer);
    end = issuer;
  }
}

export function isSame(one: CertificateFacts, other: CertificateFacts): boolean {
  return one.fingerprint256 === other.fingerprint256;
}

/** Names, key identifiers and signature; not whether it is allowed to sign. */
export function hasSigned(issuer: CertificateFacts, subject: CertificateFacts): boolean {
  if (issuer.x509.subject !== subject.x509.issuer) return false;
  try {
    return subject.x509.verify(issuer.x509.publicKey);
  } catch {
    return false; // a key of a kind that this OpenSSL does not know
  }
}

function isSelfSigned(facts: CertificateFacts): boolean {
  return facts.selfIssued && hasSigned(facts, facts);
}
