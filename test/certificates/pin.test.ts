import t from 'tap';
import type { CertificateRequest } from '../../src/certificates/issue.js';
import { readFacts } from '../../src/certificates/facts.js';
import { matchName } from '../../src/certificates/names.js';
import { pinFor } from '../../src/certificates/pin.js';
import { escapeSocatValue } from '../../src/plan/socat-escape.js';
import { ca, folder, freePort, listen, node, socatReads } from './given.js';

const cases: { title: string; request: CertificateRequest; address?: string; pin: string }[] = [
  { title: 'a CN alone', request: { commonName: 'node1' }, address: 'node1', pin: 'node1' },
  { title: 'a CN in other case', request: { commonName: 'NODE1.my' }, address: 'node1.my', pin: 'NODE1.my' },
  { title: 'a DNS name alone', request: { dnsNames: ['a.my', 'b.my'] }, address: 'b.my', pin: 'b.my' },
  {
    title: 'an IPv4 address alone',
    request: { ipAddresses: ['10.0.0.1', '10.0.0.2'] },
    address: '10.0.0.2',
    pin: '10.0.0.2',
  },
  {
    title: 'an IPv6 address alone',
    request: { ipAddresses: ['2001:DB8::ab'] },
    address: '2001:db8::ab',
    pin: '2001:db8::ab',
  },
  {
    title: 'a CN behind an IPv6 address',
    request: { commonName: 'n', ipAddresses: ['fd00::1'] },
    address: 'n',
    pin: 'fd00::1',
  },
  {
    title: 'an IPv4 behind an IPv6 address',
    request: { ipAddresses: ['fd00::1', '10.0.0.1'] },
    address: '10.0.0.1',
    pin: 'fd00::1',
  },
  {
    title: 'a DNS name before an IPv6 address',
    request: { dnsNames: ['n.my'], ipAddresses: ['fd00::1'] },
    address: 'n.my',
    pin: 'n.my',
  },
  {
    title: 'a wildcard',
    request: { dnsNames: ['*.my.cluster'] },
    address: 'node1.my.cluster',
    pin: '*.my.cluster',
  },
  { title: 'an unchecked name', request: { commonName: 'anything' }, pin: 'anything' },
  {
    title: 'an unchecked name with syntax in it',
    request: { commonName: `a,b:c!!d"e'f\\g h(i[j{k}]` },
    pin: `a,b:c!!d"e'f\\g h(i[j{k}]`,
  },
];

for (const { title, request, address, pin } of cases) {
  t.test(`socat accepts the certificate pinned by ${title}, and no other`, async (t) => {
    const { write } = folder(t);
    const cafile = write('ca.pem', ca.certPem);
    const client = await node({ commonName: 'client' });
    const cert = write('client.pem', client.certPem + client.keyPem);
    const seen = await node({ commonNameInSan: false, ...request });
    const other = await node({ commonName: 'other', dnsNames: ['my.other'], ipAddresses: ['10.9.9.9'] });
    const facts = readFacts(seen.certPem);
    const matched = address === undefined ? undefined : matchName(facts, address);
    t.equal(pinFor(facts, matched), pin);
    const answers: string[] = [];
    for (const [name, { certPem, keyPem }] of Object.entries({ seen, other })) {
      const port = await freePort();
      const server = write(`${name}.pem`, certPem + keyPem);
      await listen(
        t,
        `OPENSSL-LISTEN:${port},bind=127.0.0.1,cert=${server},cafile=${cafile}`,
        'EXEC:echo hello',
      );
      const value = escapeSocatValue(pin);
      answers.push(
        await socatReads(`OPENSSL:127.0.0.1:${port},cert=${cert},cafile=${cafile},commonname=${value}`),
      );
    }
    t.same(answers, ['hello\n', '']);
  });
}

t.test('a certificate without any name cannot be pinned', async (t) => {
  t.equal(pinFor(readFacts((await node({})).certPem), undefined), '');
  t.equal(pinFor(readFacts((await node({ commonName: 'a\0b' })).certPem), undefined), '', 'nor by a NUL');
});
