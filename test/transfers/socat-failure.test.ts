import t from 'tap';
import { parseSocketOptions } from '../../src/config/tls.js';
import {
  connectionRefused,
  hasNoRoute,
  socatComplaints,
  sockoptRejected,
} from '../../src/transfers/socat-failure.js';

const sockopt = (value: string): ReturnType<typeof parseSocketOptions> =>
  parseSocketOptions({
    value,
    source: { kind: 'file', file: '/etc/my.cnf', line: 3, group: 'sst', name: 'sockopt' },
  });

t.test('complaints are the lines of level E, without time and process', (t) => {
  const said = [
    '2026/11/22 00:20:20 socat[27993] W BIO_new_file("/nofile", "r"): No such file or directory',
    '2026/11/22 00:20:19 socat[27928] E unknown protocol family "nonsense"',
    'rsync: did not see server greeting',
  ];
  t.same(socatComplaints(said), ['unknown protocol family "nonsense"']);
  t.end();
});

t.test('a way that is missing is told from a joiner that does not listen', (t) => {
  const words = (text: string): string[] => [
    `2026/11/28 15:09:22 socat[25508] E connect(6, AF=2 10.99.0.2:4444, 16): ${text}`,
    'rsync: did not see server greeting',
  ];
  for (const text of ['No route to host', 'Network is unreachable', 'Network is down'])
    t.ok(hasNoRoute(words(text)), text);
  for (const text of ['Connection refused', 'Connection timed out']) t.notOk(hasNoRoute(words(text)), text);
  t.end();
});

/** What socat 1.7.4.4 says, and whether sockopt is to blame. */
const complaints: readonly [complaint: string, sockopt: string, isToBlame: boolean][] = [
  ['parseopts_table(): unknown option "bogus"', 'bogus', true],
  ['SSL_set_cipher_list(, "NOPE"): error:0480006C:PEM routines::no start line', 'cipher=NOPE', true],
  ['unknown protocol family "nonsense"', 'pf=nonsense', true],
  ['parseopts(): missing numerical value of option "keepidle=x"', 'keepidle=x', true],
  ['option "cipher": value required', 'cipher', true],
  ['Unknown SSL/TLS version "TLS9"', 'openssl-min-proto-version=TLS9', true],
  ['openssl-compress="foo": unknown compression method', 'compress=foo', true],
  ['setsockopt(6, 1, 25, "nodev0", 7): No such device', 'so-bindtodevice=nodev0', true],
  ['setsockopt(5, 6, 13, {...}, 3): No such file or directory', 'nodelay', false],
  ['setsockopt(5, 6, 13, {...}, 3): No such file or directory', 'setsockopt-listen=6:13:x787878', true],
  ['bind(6, {AF=2 10.99.99.99:0}, 16): Cannot assign requested address', 'bind=10.99.99.99', true],
  ['getaddrinfo("999.1.1.1", "NULL", {1,2,1,6}, {}): Name or service not known', 'bind=999.1.1.1', true],
  ['getpwnam("nobodyhere"): no such user', 'user=nobodyhere', true],
  ['connect(6, AF=2 127.0.0.1:24997, 16): Connection refused', 'nodelay', false],
  ['SSL_connect(): error:0A000086:SSL routines::certificate verify failed', 'cipher=HIGH', false],
  ['SSL_accept(): error:0A000418:SSL routines::tlsv1 alert unknown ca', 'keepalive', false],
];

t.test('sockopt is blamed for what it holds, with its place, and for nothing else', (t) => {
  for (const [complaint, value, isToBlame] of complaints) {
    const error = sockoptRejected([complaint], sockopt(value));
    t.equal(error?.code, isToBlame ? 'SOCKOPT_REJECTED' : undefined, complaint);
    if (isToBlame) t.match(error, { option: 'sockopt', where: '/etc/my.cnf:3' });
    t.equal(sockoptRejected([complaint], sockopt('')), undefined, 'and never when it is empty');
  }
  t.end();
});

t.test('what keeps a donor from its joiner', (t) => {
  for (const [complaint, code] of [
    ['connect(6, AF=2 127.0.0.1:24997, 16): Connection refused', 'PEER_UNREACHABLE'],
    ['getaddrinfo("node9", "NULL", {1,0,1,6}, {}): Name or service not known', 'PEER_UNREACHABLE'],
    ['certificate is valid but its commonName does not match hostname "other"', 'CERTIFICATE_NAME_MISMATCH'],
    ['SSL_connect(): error:0A000086:SSL routines::certificate verify failed', 'CERTIFICATE_UNTRUSTED'],
    ['SSL_write(): Connection reset by peer', 'PEER_UNREACHABLE'],
    ['SSL_read(): error:0A000418:SSL routines::tlsv1 alert unknown ca', 'PEER_REJECTED_US'],
    ['waitpid(): child 17 exited with status 1', undefined],
  ] as const) {
    t.equal(connectionRefused([complaint])?.code, code, complaint);
  }
  t.end();
});
