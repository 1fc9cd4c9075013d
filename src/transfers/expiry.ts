import { duration } from '../certificates/checks.js';
import type { CertificateFacts } from '../certificates/facts.js';
import type { Finding } from '../errors.js';

const dayMs = 86_400_000;

/** Days before the end at which an administrator is told, the last one last. */
export const expiryStages = [30, 14, 7, 1] as const;

/**
 * A warning from the first stage on. Its text names the stage and the date, not the time that is left, so that it stays
 * the same until the next stage. Certificates that live for less than 90 days are renewed by machines: those warn in
 * the last tenth of their life only.
 */
export function expiryStage(
  facts: CertificateFacts,
  who: string,
  now: Date,
  place: Pick<Finding, 'option' | 'where'>,
): readonly Finding[] {
  const leftMs = facts.notAfter.getTime() - now.getTime();
  const lifeMs = facts.notAfter.getTime() - facts.notBefore.getTime();
  const stages = expiryStages.filter((days) => lifeMs >= 90 * dayMs || days * dayMs <= lifeMs / 10);
  const stage = stages.filter((days) => leftMs <= days * dayMs).at(-1);
  if (stage === undefined || leftMs < 0) return [];
  return [
    {
      severity: 'warning',
      code: 'CERTIFICATE_EXPIRES_SOON',
      message: `${who} ${JSON.stringify(facts.subject)} expires within ${duration(stage * dayMs)}, on ${facts.notAfter.toISOString()}`,
      ...place,
    },
  ];
}
