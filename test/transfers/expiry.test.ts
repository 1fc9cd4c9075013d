import t from 'tap';
import { readFacts } from '../../src/certificates/facts.js';
import { issueCa } from '../../src/certificates/issue.js';
import { expiryStage } from '../../src/transfers/expiry.js';

const day = 86_400_000;
const end = Date.parse('2026-11-30T12:00:00Z');

async function warnAt(lifeDays: number, leftDays: readonly number[]): Promise<(string | undefined)[]> {
  const issued = await issueCa({
    name: 'x',
    keyType: 'ec',
    notBefore: new Date(end - lifeDays * day),
    notAfter: new Date(end),
  });
  return leftDays.map((left) => {
    const [finding] = expiryStage(readFacts(issued.certPem), 'it', new Date(end - left * day), {});
    return /within (\d+ days?)/.exec(finding?.message ?? '')?.[1];
  });
}

t.test(
  'an administrator is told 30, 14, 7 days and a day ahead, in words that stay the same in between',
  async (t) => {
    t.strictSame(await warnAt(825, [31, 30, 15, 14, 8, 7, 1.1, 1, 0.1, -1]), [
      undefined,
      '30 days',
      '30 days',
      '14 days',
      '14 days',
      '7 days',
      '7 days',
      '1 day',
      '1 day',
      undefined,
    ]);
  },
);

t.test('certificates that machines renew warn only when that has failed', async (t) => {
  t.strictSame(await warnAt(80, [30, 14, 7, 1]), [undefined, undefined, '7 days', '1 day']);
  t.strictSame(await warnAt(1, [0.5]), [undefined]);
});
