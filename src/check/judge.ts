import { checkChain } from '../certificates/check-chain.js';
import { checkDates, checkUsage, type Blame } from '../certificates/checks.js';
import type { CertificateFacts } from '../certificates/facts.js';
import { checkRevocation, type Revocation } from '../certificates/revocation.js';
import type { Trust } from '../certificates/trust.js';
import type { Finding } from '../errors.js';

/** What is wrong with what a server shows, but for its names: dates, chain, revocation, usage. */
export function judgePresented(
  presented: readonly CertificateFacts[],
  trust: Pick<Trust, 'certificates'>,
  revocation: Revocation | undefined,
  now: Date,
  blame: Blame,
): readonly Finding[] {
  const [leaf, ...issuers] = presented;
  if (leaf === undefined) return [];
  const dates = checkDates(leaf, now, blame).map((finding) =>
    finding.code === 'CERTIFICATE_NOT_YET_VALID' ? { ...finding, hint: clocks } : finding,
  );
  return [
    ...dates,
    ...checkChain(leaf, issuers, trust, now, blame),
    ...checkRevocation(leaf, issuers, trust, revocation, now, blame),
    ...checkUsage(leaf, 'server', blame),
  ];
}

/** As OpenSSL says it, and wolfSSL: what a replica or client logs, and an administrator searches for. */
const clocks =
  'the clocks differ (MariaDB calls it "certificate is not yet valid" or "before date in the future"): set the time on this host and on the one that issued the certificate (chronyc tracking on both), then issue it again or wait';
