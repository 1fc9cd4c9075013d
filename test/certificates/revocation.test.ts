import { X509Certificate } from 'node:crypto';
import t from 'tap';
import { readFacts } from '../../src/certificates/facts.js';
import { issueCertificate, selfSigned } from '../../src/certificates/issue.js';
import { issueCrl } from '../../src/certificates/issue-crl.js';
import { checkRevocation, loadRevocation, type Revocation } from '../../src/certificates/revocation.js';
import { ca, failureOf, folder, node, openssl, option, otherCa } from './given.js';

const now = new Date('2030-06-15T00:00:00Z');
const day = (days: number): Date => new Date(now.getTime() + days * 86_400_000);
const dates = { notBefore: day(-100), notAfter: day(100) };

const serialOf = (pem: string): string => new X509Certificate(pem).serialNumber;
const list = (
  revoked: readonly string[],
  given: Partial<Parameters<typeof issueCrl>[0]> = {},
): Promise<string> =>
  issueCrl({
    ca,
    revoked: new Map(revoked.map((serial) => [serial, day(-1)])),
    number: 1n,
    thisUpdate: day(-10),
    nextUpdate: day(90),
    ...given,
  });

const sub = await issueCertificate({ ca, commonName: 'Sub CA', isCa: true, keyType: 'ec', ...dates });
const leaf = await node({ commonName: 'node1', ...dates });
const below = await node({ ca: sub, commonName: 'node2', ...dates });
const alone = await selfSigned({ commonName: 'node3', keyType: 'ec', ...dates });
const trust = { certificates: [ca, otherCa, alone].map(({ certPem }) => readFacts(certPem)) };

const cases: readonly {
  name: string;
  lists: readonly string[];
  certificate?: string;
  fromServer?: boolean;
  findings: readonly string[];
}[] = [
  { name: 'not in the list', lists: [await list(['1234'])], findings: [] },
  {
    name: 'in the list',
    lists: [await list([serialOf(leaf.certPem)])],
    findings: ['error CERTIFICATE_REVOKED'],
  },
  {
    name: 'in an older of two lists',
    lists: [await list([], { number: 2n }), await list([serialOf(leaf.certPem)])],
    findings: ['error CERTIFICATE_REVOKED'],
  },
  {
    name: 'the same serial in the list of another CA',
    lists: [await list([]), await list([serialOf(leaf.certPem)], { ca: otherCa })],
    findings: [],
  },
  { name: 'no list of its CA', lists: [await list([], { ca: otherCa })], findings: ['error CRL_UNUSABLE'] },
  {
    name: "no list of its CA among those for the server's own connections",
    lists: [await list([], { ca: otherCa })],
    fromServer: true,
    findings: ['warning CRL_UNUSABLE'],
  },
  {
    name: 'an expired list',
    lists: [await list([], { nextUpdate: day(-1) })],
    findings: ['error CRL_UNUSABLE'],
  },
  {
    name: 'a list that is not valid yet',
    lists: [await list([], { thisUpdate: day(1) })],
    findings: ['error CRL_UNUSABLE'],
  },
  {
    name: 'a list that is not valid yet beside one that is',
    lists: [await list([], { thisUpdate: day(1), number: 2n }), await list([])],
    findings: [],
  },
  {
    name: 'a list that is about to expire',
    lists: [await list([], { nextUpdate: day(3), thisUpdate: day(-30) })],
    findings: ['warning CRL_UNUSABLE'],
  },
  {
    name: 'an intermediate CA in the list',
    certificate: below.certPem,
    lists: [await list([serialOf(sub.certPem)]), await list([], { ca: sub })],
    findings: ['error CERTIFICATE_REVOKED'],
  },
  {
    name: 'below an intermediate CA that has no list',
    certificate: below.certPem,
    lists: [await list([])],
    findings: ['error CRL_UNUSABLE'],
  },
  { name: 'trusted for itself', certificate: alone.certPem, lists: [await list([])], findings: [] },
];

for (const { name, lists, certificate = leaf.certPem, fromServer = false, findings } of cases) {
  t.test(`a certificate: ${name}`, async (t) => {
    const { write } = folder(t);
    const setting = option('ssl-crl', write('crl.pem', lists.join('')));
    const crlFile = fromServer ? { ...setting, source: { ...setting.source, group: 'mysqld' } } : setting;
    const revocation = loadRevocation({ crlFile });
    const found = checkRevocation(readFacts(certificate), [readFacts(sub.certPem)], trust, revocation, now);
    t.strictSame(
      found.map(({ severity, code }) => `${severity} ${code}`),
      findings,
    );
  });
}

t.test('a list of the future says how much the clocks differ, and where', async (t) => {
  const crlFile = option('ssl-crl', folder(t).write('crl', await list([], { thisUpdate: day(1) })));
  const [finding] = checkRevocation(readFacts(leaf.certPem), [], trust, loadRevocation({ crlFile }), now);
  t.match(finding, {
    message: /is valid only from 2030-06-16 00:00:00 UTC, 1 day after this host's clock/,
    hint: /clocks/,
    option: 'ssl-crl',
    where: '/etc/mysql/my.cnf:7',
  });
});

t.test('lists are read from a directory under their hash names', async (t) => {
  const { write, path } = folder(t);
  t.equal(failureOf(() => loadRevocation({ crlPath: option('ssl-crlpath', path) })).code, 'CRL_UNUSABLE');
  write('list.pem', await list([serialOf(leaf.certPem)]));
  openssl(['rehash', path]);
  const revocation = loadRevocation({ crlPath: option('ssl-crlpath', path) });
  t.match(checkRevocation(readFacts(leaf.certPem), [], trust, revocation, now), [
    { code: 'CERTIFICATE_REVOKED' },
  ]);
});

t.test('what is no list is an error that names option and place', async (t) => {
  const { write } = folder(t);
  const damaged = '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n';
  for (const text of [ca.certPem, damaged]) {
    const failure = failureOf(() => loadRevocation({ crlFile: option('ssl-crl', write('f', text)) }));
    t.match(failure, { code: 'CRL_UNUSABLE', option: 'ssl-crl', where: '/etc/mysql/my.cnf:7' });
  }
  t.equal(loadRevocation({}), undefined);
  const none: Revocation | undefined = undefined;
  t.strictSame(checkRevocation(readFacts(leaf.certPem), [], trust, none, now), []);
});
