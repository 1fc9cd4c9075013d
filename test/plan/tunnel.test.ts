import t from 'tap';
import { parseAddress } from '../../src/config/address.js';
import { parseSocketOptions, type TlsSettings } from '../../src/config/tls.js';
import { clientOptions, connectAddress, listenAddress, listenerOptions } from '../../src/plan/tunnel.js';

const source = { kind: 'file', file: '/etc/my.cnf', line: 2, group: 'sst', name: 'sockopt' } as const;

function tls(sockopt = '', mode: TlsSettings['mode'] = 'VERIFY_IDENTITY'): TlsSettings {
  return { mode, cert: { value: '/c', source }, sockopt: parseSocketOptions({ value: sockopt, source }) };
}

const files = { certFile: '/etc/c.pem', keyFile: '/etc/k.pem', caFile: '/etc/ca.pem' };
const ours = 'cert=/etc/c.pem,key=/etc/k.pem,cafile=/etc/ca.pem';

const listens = [
  [
    '192.0.2.1',
    undefined,
    tls(),
    files,
    `OPENSSL-LISTEN:4444,reuseaddr,fork,max-children=200,keepalive,keepidle=30,keepintvl=10,keepcnt=4,nodelay,${ours},verify=1`,
  ],
  [
    '192.0.2.1:5',
    '192.0.2.1',
    tls(),
    files,
    `OPENSSL-LISTEN:5,bind=192.0.2.1,reuseaddr,fork,max-children=200,keepalive,keepidle=30,keepintvl=10,keepcnt=4,nodelay,${ours},verify=1`,
  ],
  [
    '[::1]',
    '::1',
    tls(),
    files,
    `OPENSSL-LISTEN:4444,pf=ip6,bind=[::1],reuseaddr,fork,max-children=200,keepalive,keepidle=30,keepintvl=10,keepcnt=4,nodelay,${ours},verify=1`,
  ],
  [
    '[2001:db8::1]',
    undefined,
    tls(),
    files,
    `OPENSSL-LISTEN:4444,pf=ip6,reuseaddr,fork,max-children=200,keepalive,keepidle=30,keepintvl=10,keepcnt=4,nodelay,${ours},verify=1`,
  ],
  [
    'node1',
    '192.0.2.1',
    tls(),
    files,
    `OPENSSL-LISTEN:4444,bind=192.0.2.1,reuseaddr,fork,max-children=200,keepalive,keepidle=30,keepintvl=10,keepcnt=4,nodelay,${ours},verify=1`,
  ],
  [
    'node1',
    '::1',
    tls(),
    files,
    `OPENSSL-LISTEN:4444,pf=ip6,bind=[::1],reuseaddr,fork,max-children=200,keepalive,keepidle=30,keepintvl=10,keepcnt=4,nodelay,${ours},verify=1`,
  ],
  [
    'node1',
    undefined,
    tls('', 'REQUIRED'),
    { certFile: '/b', caPath: '/cas' },
    'OPENSSL-LISTEN:4444,reuseaddr,fork,max-children=200,keepalive,keepidle=30,keepintvl=10,keepcnt=4,nodelay,cert=/b,capath=/cas,verify=0',
  ],
  [
    'node1',
    undefined,
    tls('cipher=HIGH:!aNULL,commonname=galera,verify=1,reuseaddr=0'),
    { certFile: '/with space/b,c:d' },
    'OPENSSL-LISTEN:4444,fork,max-children=200,keepalive,keepidle=30,keepintvl=10,keepcnt=4,nodelay,cert=/with\\ space/b\\,c\\:d,verify=1,commonname=galera,cipher=HIGH\\:\\!aNULL\\:\\!aNULL\\:\\!eNULL,reuseaddr=0',
  ],
  [
    '[::1]',
    '::1',
    tls('pf=ip6'),
    files,
    `OPENSSL-LISTEN:4444,bind=[::1],reuseaddr,fork,max-children=200,keepalive,keepidle=30,keepintvl=10,keepcnt=4,nodelay,${ours},verify=1,pf=ip6`,
  ],
] as const;

t.test('the listener’s address is exactly this', async (t) => {
  for (const [address, bind, settings, given, expected] of listens) {
    t.equal(listenAddress(parseAddress(address, 'it'), bind, settings, given), expected);
  }
});

const connects = [
  [
    'node1',
    'node1',
    tls(),
    files,
    `OPENSSL:node1:4444,keepalive,keepidle=30,keepintvl=10,keepcnt=4,nodelay,${ours},verify=1,commonname=node1`,
  ],
  [
    '192.0.2.1:5/m',
    'node1',
    tls(),
    files,
    `OPENSSL:192.0.2.1:5,keepalive,keepidle=30,keepintvl=10,keepcnt=4,nodelay,${ours},verify=1,commonname=node1`,
  ],
  [
    '[::1]:5',
    '::1',
    tls(),
    files,
    `OPENSSL:[::1]:5,pf=ip6,keepalive,keepidle=30,keepintvl=10,keepcnt=4,nodelay,${ours},verify=1,commonname=\\:\\:1`,
  ],
  [
    'node1',
    undefined,
    tls('', 'VERIFY_CA'),
    files,
    `OPENSSL:node1:4444,keepalive,keepidle=30,keepintvl=10,keepcnt=4,nodelay,${ours},verify=1,commonname=,no-sni=1`,
  ],
  [
    'node1',
    undefined,
    tls('verify=0', 'REQUIRED'),
    { certFile: '/b' },
    'OPENSSL:node1:4444,keepalive,keepidle=30,keepintvl=10,keepcnt=4,nodelay,cert=/b,verify=0,commonname=,no-sni=1',
  ],
  [
    'node1',
    undefined,
    tls('cn=galera', 'VERIFY_CA'),
    { certFile: '/b' },
    'OPENSSL:node1:4444,keepalive,keepidle=30,keepintvl=10,keepcnt=4,nodelay,cert=/b,verify=1,commonname=galera',
  ],
  [
    'node1',
    'galera',
    tls('cn=galera,nodelay'),
    { certFile: '/b' },
    'OPENSSL:node1:4444,keepalive,keepidle=30,keepintvl=10,keepcnt=4,cert=/b,verify=1,commonname=galera,nodelay',
  ],
  [
    'node1',
    undefined,
    tls('nosni', 'VERIFY_CA'),
    { certFile: '/b' },
    'OPENSSL:node1:4444,keepalive,keepidle=30,keepintvl=10,keepcnt=4,nodelay,cert=/b,verify=1,commonname=,nosni',
  ],
] as const;

t.test('the address of a donor’s tunnel is exactly this, pinned where names are verified', async (t) => {
  for (const [address, pin, settings, given, expected] of connects) {
    t.equal(connectAddress(parseAddress(address, 'it'), pin, settings, given), expected);
  }
});

t.test('another congestion control is set before socat connects, beside what sockopt sets', async (t) => {
  const address = parseAddress('node1', 'it');
  const to = (sockopt: string) => connectAddress(address, 'node1', tls(sockopt), { certFile: '/b' }, 'cubic');
  const rest = 'keepalive,keepidle=30,keepintvl=10,keepcnt=4,nodelay,cert=/b,verify=1,commonname=node1';
  const all = `OPENSSL:node1:4444,setsockopt-listen=6:13:x6375626963,${rest}`;
  t.equal(to(''), all);
  t.equal(to('setsockopt-listen=1:36:x01000000'), `${all},setsockopt-listen=1:36:x01000000`);
});

t.test(
  'both sides use large blocks; the donor ends at once, the joiner lets its daemon finish',
  async (t) => {
    t.strictSame(listenerOptions, ['-d', '-d', '-t', '5', '-b', '262144']);
    t.strictSame(clientOptions, ['-t', '0', '-b', '262144']);
  },
);

t.test('tls_version and ssl_cipher bind both ends; what sockopt says of them counts', (t) => {
  const source = { kind: 'default', name: 'x' } as const;
  const limited = (sockopt?: string): TlsSettings => ({
    ...tls(sockopt),
    versions: { value: { min: 'TLSv1.2', max: 'TLSv1.3' }, source },
    ciphers: { value: 'A:TLS_B:C', source },
  });
  const address = parseAddress('node1', 'x');
  const versions = 'openssl-min-proto-version=TLS1.2,openssl-max-proto-version=TLS1.3';
  const bound = `${versions},cipher=A\\:C\\:\\!aNULL\\:\\!eNULL,verify=1`;
  t.ok(listenAddress(address, undefined, limited(), files).endsWith(bound));
  t.match(connectAddress(address, 'node1', limited(), files), bound);
  const own = connectAddress(address, 'node1', limited('ciphers=D,min-version=TLS1.3'), files);
  t.match(own, /ciphers=D\\:\\!aNULL\\:\\!eNULL,min-version=TLS1.3$/);
  t.notMatch(own, /openssl-min-proto|cipher=A/);
  t.end();
});
