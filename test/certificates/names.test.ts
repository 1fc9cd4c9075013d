import t from 'tap';
import { canonicalIp } from '../../src/certificates/ip-address.js';
import { matchName } from '../../src/certificates/names.js';
import { nodeFacts } from './given.js';

const plain = await nodeFacts({
  commonName: 'Node1',
  dnsNames: ['node1.My.cluster'],
  ipAddresses: ['10.0.0.1', 'fd00::1'],
});
const wild = await nodeFacts({ commonName: '*.example.com', dnsNames: ['node9.example.com'] });
const ipCn = await nodeFacts({ commonName: '10.0.0.7', commonNameInSan: false });
const nameless = await nodeFacts({ commonName: undefined });

const cases = [
  [plain, 'node1', 'Node1'],
  [plain, 'NODE1.my.CLUSTER', 'node1.My.cluster'],
  [plain, 'node1.my', undefined],
  [plain, '', undefined],
  [plain, '10.0.0.1', '10.0.0.1'],
  [plain, '10.0.0.10', undefined],
  [plain, 'fd00:0:0::1', 'fd00::1'],
  [plain, '[FD00::1]', 'fd00::1'],
  [plain, 'fd00::2', undefined],
  [wild, 'a.example.com', '*.example.com'],
  [wild, 'A.Example.com', '*.example.com'],
  [wild, 'node9.example.com', 'node9.example.com'],
  [wild, 'example.com', undefined],
  [wild, 'a.b.example.com', undefined],
  [wild, '.example.com', undefined],
  [ipCn, '10.0.0.7', '10.0.0.7'],
  [nameless, 'node1', undefined],
  [nameless, '', undefined],
] as const;

for (const [facts, address, entry] of cases) {
  t.test(
    `${facts.subject} ${entry === undefined ? 'does not name' : 'names'} ${JSON.stringify(address)}`,
    (t) => {
      t.equal(matchName(facts, address), entry);
      t.end();
    },
  );
}

t.test('IP addresses have one canonical form', (t) => {
  t.same(
    ['10.0.0.1', '2001:DB8:0:0:0:0:0:1', '[::1]', 'fe80::1%eth0', 'node1', '1.2.3', ''].map(canonicalIp),
    ['10.0.0.1', '2001:db8::1', '::1', 'fe80::1', undefined, undefined, undefined],
  );
  t.end();
});
