import t from 'tap';
import { findContradictions } from '../../src/config/contradictions.js';
import { gatherSettings } from '../../src/config/settings.js';
import { serverArguments, settingsOf, type Given } from './given.js';

const messages = (given: Given): readonly string[] =>
  findContradictions(settingsOf(given)).map(({ severity, code, message, option, where }) => {
    t.equal(`${severity} ${code}`, 'warning OPTION_CONFLICT');
    return `${option ?? ''} ${where ?? ''}: ${message}`;
  });

const cases: readonly (Given & { name: string; says: readonly RegExp[] })[] = [
  {
    name: 'verification asked for and turned off',
    sst: { 'ssl-mode': 'VERIFY_CA', sockopt: 'verify=0' },
    says: [
      /^ssl-mode \/etc\/my.cnf:2: ssl-mode=VERIFY_CA contradicts sockopt=verify=0 \(\/etc\/my.cnf:3\): peers are not verified$/,
    ],
  },
  {
    name: 'verification turned off and asked for',
    sst: { 'ssl-mode': 'REQUIRED', sockopt: 'verify=1' },
    says: [/ssl-mode=REQUIRED contradicts .*: peers are verified, but not their names$/],
  },
  {
    name: 'a name to look for, and nobody looks',
    sst: { sockopt: 'commonname=node,verify=0' },
    says: [/nobody's name is looked at$/],
  },
  {
    name: 'lists of revoked certificates that nobody looks at',
    sst: { 'ssl-mode': 'REQUIRED', 'ssl-crl': '/crl' },
    says: [/^ssl-crl .*ssl-crl=\/crl contradicts ssl-mode=REQUIRED .*: revoked certificates are accepted$/],
  },
  {
    name: 'a range of versions with nothing in it',
    sst: { 'tls-version': 'TLSv1.3', sockopt: 'openssl-max-proto-version=TLS1.2' },
    says: [/^tls-version .*tls-version=TLSv1.3 contradicts .*: no version is left/],
  },
  {
    name: 'the same in sockopt alone',
    sst: { sockopt: 'openssl-min-proto-version=TLS1.3,max-version=TLS1.2' },
    says: [/^sockopt .*from TLS1.3 and up to TLS1.2: no version is left/],
  },
  {
    name: "the server's versions and sockopt's",
    mysqld: { tls_version: 'TLSv1.2' },
    sst: { sockopt: 'min-proto-version=TLS1.3' },
    says: [/^tls_version \/etc\/my.cnf:102: tls_version=TLSv1.2 contradicts/],
  },
  {
    name: 'ciphers of a version that is not allowed',
    sst: { 'tls-version': 'TLSv1.2', 'ssl-cipher': 'TLS_AES_256_GCM_SHA384' },
    says: [/^ssl-cipher .*of TLS 1.3 only, so none of them counts$/],
  },
  {
    name: 'ciphers that are older than the versions',
    mysqld: { 'tls-version': 'TLSv1.3', 'ssl-cipher': 'ECDHE-RSA-AES256-GCM-SHA384' },
    says: [/^ssl-cipher .*older than TLS 1.3, so none of them counts$/],
  },
  {
    name: 'ciphers in two places',
    sst: { 'ssl-cipher': 'ECDHE-RSA-AES256-GCM-SHA384', sockopt: 'cipher=ECDHE-RSA-AES128-GCM-SHA256' },
    says: [/sockopt's ciphers count$/],
  },
  {
    name: 'a family and an address of the other',
    sst: { sockopt: 'pf=ip4' },
    mysqld: { wsrep_node_address: '[fd00::1]' },
    says: [/^sockopt .*contradicts wsrep_node_address=\[fd00::1\] .*: a joiner cannot listen there$/],
  },
  {
    name: 'a key without its certificate',
    sst: { tkey: '/k', 'ssl-cert': '/c' },
    says: [/^tkey .*tkey=\/k is the key of a certificate that tcert does not name/],
  },
  {
    name: 'two CA files',
    sst: { tca: '/ca', 'ssl-ca': '/other' },
    says: [/^ssl-ca \/etc\/my.cnf:3: ssl-ca=\/other contradicts tca=\/ca \(\/etc\/my.cnf:2\): tca counts/],
  },
  {
    name: "the server's own port",
    mysqld: { wsrep_sst_receive_address: 'node1:3306' },
    says: [/the server itself listens on that port$/],
  },
  {
    name: "the server's own port, which it was told",
    mysqld: { wsrep_sst_receive_address: 'node1:3307', port: '3307' },
    says: [/contradicts port=3307 \(\/etc\/my.cnf:103\)/],
  },
  {
    name: "Galera's ports",
    mysqld: { wsrep_sst_receive_address: '10.0.0.1:5568', wsrep_provider_options: 'a=b; base_port=5567' },
    says: [/contradicts base_port=5567 .*Galera itself uses the ports 5567 and 5568$/],
  },
  {
    name: 'a limit of a part that is above that of the whole',
    sst: { 'sst-overall-timeout': '60', 'sst-initial-timeout': '300', 'sst-idle-timeout': '30' },
    says: [/^sst-initial-timeout .*contradicts sst-overall-timeout=60/],
  },
];

for (const { name, says, ...given } of cases) {
  t.test(`contradictory: ${name}`, async (t) => {
    const found = messages(given);
    t.equal(found.length, says.length, found.join('\n'));
    for (const [index, pattern] of says.entries()) t.match(found[index], pattern);
  });
}

const harmonious: readonly (Given & { name: string })[] = [
  { name: 'nothing at all' },
  {
    name: 'the usual',
    sst: { tca: '/ca', tcert: '/c', tkey: '/k', 'ssl-mode': 'VERIFY_IDENTITY', sockopt: 'pf=ip4' },
    mysqld: { wsrep_sst_receive_address: '10.0.0.1:4444', ssl_ca: '/x', ssl_cert: '/x', ssl_key: '/x' },
  },
  { name: 'two names for one file', sst: { tca: '/ca', 'ssl-ca': '/ca', tcert: '/c', 'ssl-cert': '/c' } },
  { name: 'verification turned off everywhere', sst: { 'ssl-mode': 'REQUIRED', sockopt: 'verify=0' } },
  { name: 'a name to look for', sst: { 'ssl-mode': 'VERIFY_CA', sockopt: 'commonname=node' } },
  { name: 'versions that meet', sst: { 'tls-version': 'TLSv1.2,TLSv1.3', sockopt: 'min-version=TLS1.3' } },
  { name: 'no overall limit', sst: { 'sst-overall-timeout': '0', 'sst-idle-timeout': '30' } },
  { name: 'what cannot be read', sst: { sockopt: 'fork', 'tls-version': 'new', 'sst-overall-timeout': 'x' } },
];

for (const { name, ...given } of harmonious) {
  t.test(`not contradictory: ${name}`, async (t) => t.strictSame(messages(given), []));
}

t.test('one option twice in one group of one file, with different values', async (t) => {
  const line = (number: number, value: string, file = '/a.cnf') => {
    return { group: 'sst', name: number === 3 ? 't_ca' : 't-ca', value, file, line: number };
  };
  const found = (...entries: ReturnType<typeof line>[]): readonly (string | undefined)[] =>
    findContradictions(gatherSettings(serverArguments(), entries, [])).map(({ message }) => message);
  t.strictSame(found(line(2, '/x'), line(3, '/y')), [
    '[sst] has t-ca twice, as /x and as /y (/a.cnf:3): the last one counts',
  ]);
  t.strictSame(found(line(2, '/x'), line(3, '/x')), [], 'the same value does no harm');
  t.strictSame(found(line(2, '/x'), line(3, '/y', '/b.cnf')), [], 'a later file is meant to win');
});
