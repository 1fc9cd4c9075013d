import t from 'tap';
import { readFacts } from '../../src/certificates/facts.js';
import { issueCrl } from '../../src/certificates/issue-crl.js';
import { loadRevocation } from '../../src/certificates/revocation.js';
import { judgePresented } from '../../src/check/judge.js';
import { ca, folder, node, nodeFacts, option, otherCa } from '../certificates/given.js';

const now = new Date();
const trust = { certificates: [readFacts(ca.certPem)] };
const blame = { who: "the primary's certificate", trustName: 'ssl_ca' };
const inMs = (ms: number): Date => new Date(now.getTime() + ms);

t.test('nothing is wrong with a certificate of the CA that is valid now', async (t) => {
  t.strictSame(judgePresented([await nodeFacts({ commonName: 'n' })], trust, undefined, now, blame), []);
  t.strictSame(judgePresented([], trust, undefined, now, blame), [], 'who shows none is judged elsewhere');
});

t.test('each thing that is wrong is said', async (t) => {
  const cases = [
    [{ notBefore: inMs(-9e8), notAfter: inMs(-4e8) }, 'CERTIFICATE_EXPIRED', /expired 4 days/],
    [{ notBefore: inMs(3_600_000), notAfter: inMs(9e8) }, 'CERTIFICATE_NOT_YET_VALID', /(59 minutes|1 hour)/],
    [{ ca: otherCa }, 'CERTIFICATE_UNTRUSTED', /Other CA.*ssl_ca/],
    [{ extendedKeyUsages: ['clientAuth' as const] }, 'CERTIFICATE_USAGE', /TLS server/],
  ] as const;
  for (const [request, code, message] of cases) {
    const facts = await nodeFacts({ commonName: 'n', ...request });
    const [finding, ...others] = judgePresented([facts], trust, undefined, now, blame);
    t.match(finding, { severity: 'error', code, message });
    t.strictSame(others, [], code);
  }
});

t.test('clocks that differ are recognised in the words of the programs that complain of them', async (t) => {
  const facts = await nodeFacts({ commonName: 'n', notBefore: inMs(3_600_000), notAfter: inMs(9e8) });
  const [finding] = judgePresented([facts], trust, undefined, now, blame);
  t.match(finding?.hint, /"certificate is not yet valid" or "before date in the future".*chronyc/);
});

t.test('a revoked one is refused', async (t) => {
  const issued = await node({ commonName: 'n' });
  const facts = readFacts(issued.certPem);
  const dates = { thisUpdate: inMs(-60_000), nextUpdate: inMs(9e8) };
  const list = await issueCrl({
    ca,
    revoked: new Map([[facts.x509.serialNumber, now]]),
    number: 1n,
    ...dates,
  });
  const crlFile = option('ssl_crl', folder(t).write('crl', list));
  t.match(judgePresented([facts], trust, loadRevocation({ crlFile }), now, blame), [
    { severity: 'error', code: 'CERTIFICATE_REVOKED' },
  ]);
});
