import { checkChain } from '../certificates/check-chain.js';
import { checkDates, checkUsage, type Blame } from '../certificates/checks.js';
import type { CertificateFacts } from '../certificates/facts.js';
import { objectionFinding, type Objection } from '../certificates/objection.js';
import { checkRevocation, type Revocation } from '../certificates/revocation.js';
import type { Trust } from '../certificates/trust.js';
import type { Finding } from '../errors.js';

/** What is wrong with what a server shows, but for its names: dates, chain, revocation, usage; and what OpenSSL has against it. */
export function judgePresented(
  presented: readonly CertificateFacts[],
  trust: Pick<Trust, 'certificates'>,
  revocation: Revocation | undefined,
  now: Date,
  blame: Blame,
  objection?: Objection,
): readonly Finding[] {
  const [leaf, ...issuers] = presented;
  if (leaf === undefined) return [];
  const dates = checkDates(leaf, now, blame).map((finding) =>
    finding.code === 'CERTIFICATE_NOT_YET_VALID' ? { ...finding, hint: clocks } : finding,
  );
  const findings = [
    ...dates,
    ...checkChain(leaf, issuers, trust, now, blame),
    ...checkRevocation(leaf, issuers, trust, revocation, now, blame),
    ...checkUsage(leaf, 'server', blame),
  ];
  const isRefused = findings.some(({ severity }) => severity === 'error');
  // What was found already is told more precisely.
  return objection === undefined || isRefused
    ? findings
    : [...findings, objectionFinding(objection, leaf, blame)];
}

/** As OpenSSL says it, and wolfSSL: what a replica or client logs, and an administrator searches for. */
const clocks =
  'the clocks differ (MariaDB calls it "certificate is not yet valid" or "before date in the future"): set the time on this host and on the one that issued the certificate (chronyc tracking on both), then issue it again or wait';
