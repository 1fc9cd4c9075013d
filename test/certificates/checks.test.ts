import t from 'tap';
import { checkChain } from '../../src/certificates/check-chain.js';
import { checkDates, checkNames, checkUsage, duration } from '../../src/certificates/checks.js';
import { readFacts } from '../../src/certificates/facts.js';
import { issueCa, issueCertificate, selfSigned } from '../../src/certificates/issue.js';
import type { ErrorCode } from '../../src/errors.js';
import { ca, node, nodeFacts, otherCa } from './given.js';

const now = new Date();
const day = 86_400_000;
const after = (days: number) => new Date(now.getTime() + days * day);
const facts = (issued: { certPem: string }) => readFacts(issued.certPem);
const trusting = (...issued: { certPem: string }[]) => ({ certificates: issued.map(facts) });

t.test('a chain that ends at a trusted root has no findings', async (t) => {
  const intermediate = await node({ commonName: 'Intermediate CA', isCa: true });
  const below = await issueCertificate({
    ca: intermediate,
    commonName: 'node1',
    keyType: 'rsa',
    rsaBits: 2048,
  });
  const alone = await selfSigned({ commonName: 'node1', keyType: 'ed25519' });
  t.same(checkChain(await nodeFacts({ commonName: 'x' }), [], trusting(otherCa, ca), now), [], 'directly');
  t.same(checkChain(facts(below), [facts(intermediate)], trusting(ca), now), [], 'intermediate sent');
  t.same(checkChain(facts(below), [], trusting(ca, intermediate), now), [], 'intermediate trusted');
  t.same(checkChain(facts(alone), [], trusting(ca, alone), now), [], 'self-signed, itself trusted');
});

t.test('a broken chain says what is missing', async (t) => {
  const leaf = await nodeFacts({ commonName: 'node1' });
  const intermediate = await node({ commonName: 'Intermediate CA', isCa: true });
  const below = facts(await issueCertificate({ ca: intermediate, commonName: 'node1', keyType: 'ec' }));
  const alone = facts(await selfSigned({ commonName: 'alone', keyType: 'ec' }));
  const again = await issueCa({ name: 'Test CA', keyType: 'ec' });
  const noCa = await node({ commonName: 'no CA' });
  const belowNoCa = facts(await issueCertificate({ ca: noCa, commonName: 'node1', keyType: 'ec' }));
  const oldCa = await issueCa({ name: 'old', keyType: 'ec', notBefore: after(-9), notAfter: after(-2) });
  const belowOld = facts(await issueCertificate({ ca: oldCa, commonName: 'node1', keyType: 'ec' }));
  const cases: [string, ReturnType<typeof checkChain>, ErrorCode, RegExp][] = [
    [
      'unknown CA',
      checkChain(leaf, [], trusting(otherCa), now),
      'CERTIFICATE_UNTRUSTED',
      /issued by "CN=Test CA", whose certificate is neither in tca nor in .*holds "CN=Other CA"/,
    ],
    ['empty tca', checkChain(leaf, [], trusting(), now), 'CERTIFICATE_UNTRUSTED', /tca holds no certificate/],
    [
      'intermediate known to us',
      checkChain(below, [], trusting(ca), now, { known: [facts(intermediate)] }),
      'CERTIFICATE_INTERMEDIATE_MISSING',
      /issued by "CN=Intermediate CA"/,
    ],
    [
      'intermediate without its root',
      checkChain(below, [], trusting(intermediate), now),
      'CERTIFICATE_UNTRUSTED',
      /leads up to "CN=Intermediate CA", issued by "CN=Test CA"/,
    ],
    [
      'self-signed',
      checkChain(alone, [], trusting(ca), now),
      'CERTIFICATE_UNTRUSTED',
      /"CN=alone" is self-signed and tca does not hold it/,
    ],
    [
      'root sent, not trusted',
      checkChain(leaf, [facts(ca)], trusting(otherCa), now),
      'CERTIFICATE_UNTRUSTED',
      /leads up to the self-signed "CN=Test CA"/,
    ],
    [
      'CA created anew',
      checkChain(leaf, [], trusting(again), now),
      'CERTIFICATE_UNTRUSTED',
      /signed with another key/,
    ],
    [
      'issuer is no CA',
      checkChain(belowNoCa, [facts(noCa)], trusting(ca), now),
      'CERTIFICATE_UNTRUSTED',
      /"CN=no CA" signed .* not marked as a CA/,
    ],
    [
      'CA expired',
      checkChain(belowOld, [], trusting(oldCa), now),
      'CERTIFICATE_EXPIRED',
      /^the CA certificate "CN=old" above the certificate "CN=node1" expired 2 days ago/,
    ],
  ];
  for (const [title, findings, code, message] of cases) {
    t.match(findings, [{ severity: 'error', code, message }], title);
    t.equal(findings.length, 1, title);
  }
});

t.test('an issuer of the same organisation as a trusted root is taken for an intermediate', (t) => {
  const leaf = { subject: 'CN=n', issuer: 'O=My\\, Inc, CN=Sub', x509: { subject: 'a', issuer: 'b' } };
  const root = { subject: 'O=My\\, Inc, CN=Root', x509: { subject: 'c' } };
  const run = (subject: string) =>
    checkChain(leaf as never, [], { certificates: [{ ...root, subject }] as never }, now).map(
      ({ code }) => code,
    );
  t.same(run('O=My\\, Inc, CN=Root'), ['CERTIFICATE_INTERMEDIATE_MISSING']);
  t.same(run('O=My\\, Ltd, CN=Root'), ['CERTIFICATE_UNTRUSTED']);
  t.end();
});

t.test('dates are explained', async (t) => {
  const leaf = await nodeFacts({
    commonName: 'n',
    notBefore: new Date('2030-01-01T00:00:00Z'),
    notAfter: new Date('2031-01-01T00:00:00Z'),
  });
  const cases: [string, ErrorCode | undefined, RegExp][] = [
    [
      '2029-12-31T21:30:00Z',
      'CERTIFICATE_NOT_YET_VALID',
      /valid only from 2030-01-01 00:00:00 UTC, 2 hours 30 minutes after this host's clock \(2029-12-31 21:30:00 UTC\)/,
    ],
    ['2030-06-01T00:00:00Z', undefined, /never/],
    ['2030-12-30T00:00:00Z', 'CERTIFICATE_EXPIRES_SOON', /expires in 2 days, on 2031-01-01/],
    ['2031-01-04T05:00:00Z', 'CERTIFICATE_EXPIRED', /expired 3 days 5 hours ago, on 2031-01-01 00:00:00 UTC/],
  ];
  for (const [at, code, message] of cases) {
    const findings = checkDates(leaf, new Date(at), { option: 'tcert', where: 'f:1' });
    if (code === undefined) t.same(findings, [], at);
    else
      t.match(
        findings,
        [
          {
            severity: code === 'CERTIFICATE_EXPIRES_SOON' ? 'warning' : 'error',
            code,
            message,
            option: 'tcert',
            where: 'f:1',
          },
        ],
        at,
      );
  }
});

t.test('a certificate for one role must not be used in the other', async (t) => {
  const usages = ['serverAuth', 'clientAuth'] as const;
  for (const [index, only] of usages.entries()) {
    const leaf = await nodeFacts({ commonName: 'n', extendedKeyUsages: [only] });
    const [fits, fails] = index === 0 ? (['server', 'client'] as const) : (['client', 'server'] as const);
    t.same(checkUsage(leaf, fits), []);
    t.match(checkUsage(leaf, fails), [
      { severity: 'error', code: 'CERTIFICATE_USAGE', message: new RegExp(`holds only ${only}`) },
    ]);
  }
  const free = await nodeFacts({ commonName: 'n', extendedKeyUsages: [] });
  t.same([...checkUsage(free, 'server'), ...checkUsage(free, 'client')], []);
});

t.test('the finding says which address is not named by what', async (t) => {
  const leaf = await nodeFacts({
    commonName: 'node1',
    dnsNames: ['node1.my.cluster'],
    ipAddresses: ['10.0.0.1'],
  });
  const wanted = [
    { address: '10.0.0.1', what: 'the effective address' },
    { address: 'node2', what: 'bind_address', where: '/etc/my.cnf:3', severity: 'warning' as const },
  ];
  t.match(checkNames(leaf, wanted, { option: 'tcert' }), [
    {
      severity: 'warning',
      code: 'CERTIFICATE_NAME_MISMATCH',
      message:
        'bind_address "node2" (/etc/my.cnf:3) is not named by the certificate "CN=node1", which has commonName "node1" and subjectAltName DNS "node1.my.cluster", DNS "node1", IP 10.0.0.1',
      option: 'tcert',
    },
  ]);
  t.equal(checkNames(leaf, wanted).length, 1);
});

t.test('durations are told in their two largest units', (t) => {
  const cases: [number, string][] = [
    [0, '0 seconds'],
    [1000, '1 second'],
    [61_000, '1 minute 1 second'],
    [3_600_000, '1 hour'],
    [2 * day + 3_700_000, '2 days 1 hour'],
    [day + 5000, '1 day'],
  ];
  for (const [ms, text] of cases) t.equal(duration(ms), text);
  t.end();
});
