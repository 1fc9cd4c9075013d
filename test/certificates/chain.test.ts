import t from 'tap';
import { findChain, hasSigned, isSame, type Chain } from '../../src/certificates/chain.js';
import { readFacts, type CertificateFacts } from '../../src/certificates/facts.js';
import { issueCa, issueCertificate, selfSigned } from '../../src/certificates/issue.js';
import { ca, otherCa } from './given.js';

const now = new Date();
const inDays = (days: number): Date => new Date(now.getTime() + days * 86_400_000);
const facts = ({ certPem }: { certPem: string }): CertificateFacts => readFacts(certPem);

const sub = await issueCertificate({ ca, commonName: 'Sub CA', isCa: true, keyType: 'ec' });
const leaf = facts(await issueCertificate({ ca: sub, commonName: 'node1', keyType: 'ec' }));
const alone = facts(await selfSigned({ commonName: 'node2', keyType: 'ec' }));
const [root, other, middle] = [facts(ca), facts(otherCa), facts(sub)];

const shown = (chain: Chain): string =>
  chain.kind === 'complete'
    ? ['complete', ...chain.issuers.map(({ commonName }) => commonName)].join(' ')
    : `${chain.kind} ${chain.end.commonName ?? ''}`;

t.test('the way up ends at a trusted root, or is told where it breaks', async (t) => {
  const again = facts(await issueCa({ name: 'Test CA', keyType: 'ec' }));
  const cases = [
    ['sent along', leaf, [middle], [other, root], 'complete Sub CA Test CA'],
    ['all trusted', leaf, [], [root, middle], 'complete Sub CA Test CA'],
    ['a root that was sent is not trusted for that', leaf, [middle, root], [other], 'self-signed Test CA'],
    ['an intermediate alone is no root', leaf, [], [middle], 'no-issuer Sub CA'],
    ['nobody known', leaf, [], [other], 'no-issuer node1'],
    ['a CA that was made anew under the same name', middle, [], [again], 'wrong-key Sub CA'],
    ['self-signed and trusted', alone, [], [root, alone], 'complete'],
    ['self-signed and not trusted', alone, [], [root], 'self-signed node2'],
  ] as const;
  for (const [name, end, intermediates, trusted, expected] of cases)
    t.equal(shown(findChain(end, intermediates, trusted, now)), expected, name);
});

t.test('of a CA that was renewed under its key the certificate that is valid now counts', async (t) => {
  const { keyPem } = ca;
  const old = facts(await issueCa({ name: 'Test CA', keyPem, notBefore: inDays(-9), notAfter: inDays(-1) }));
  for (const trusted of [
    [old, root],
    [root, old],
  ]) {
    const chain = findChain(middle, [], trusted, now);
    t.ok(chain.kind === 'complete' && chain.issuers[0] === root);
  }
  const expired = findChain(middle, [], [old], now);
  t.ok(
    expired.kind === 'complete' && expired.issuers[0] === old,
    'for want of another: it is judged elsewhere',
  );
});

t.test('two CAs that have signed each other lead nowhere, but to an end', async (t) => {
  const [a, b] = [await issueCa({ name: 'A', keyType: 'ec' }), await issueCa({ name: 'B', keyType: 'ec' })];
  const cross = async (by: typeof a, name: string, keyPem: string): Promise<CertificateFacts> =>
    facts(await issueCertificate({ ca: by, commonName: name, isCa: true, keyPem }));
  const around = [await cross(a, 'B', b.keyPem), await cross(b, 'A', a.keyPem)];
  const below = facts(await issueCertificate({ ca: a, commonName: 'n', keyType: 'ec' }));
  t.not(findChain(below, around, [], now).kind, 'complete');
});

t.test('a signature counts, not a name', async (t) => {
  const namesake = facts(await issueCa({ name: 'Test CA', keyType: 'ec' }));
  t.strictSame(
    [hasSigned(root, middle), hasSigned(namesake, middle), hasSigned(root, leaf)],
    [true, false, false],
  );
  t.strictSame([isSame(root, facts(ca)), isSame(root, namesake)], [true, false]);
});
