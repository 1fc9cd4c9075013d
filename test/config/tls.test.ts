import t from 'tap';
import type { Sourced } from '../../src/config/source.js';
import { parseSocketOptions, resolveTls, socketOptionName } from '../../src/config/tls.js';
import { settingsOf, type Given, type Options } from './given.js';

type Role = 'joiner' | 'donor';

/** The four values as a joiner or donor resolves them, without their places. */
function filesOf(given: Given, role: Role = 'joiner'): Record<string, string | undefined> {
  const { cert, key, caFile, caPath } = resolveTls(settingsOf(given), role);
  return { cert: cert.value, key: key?.value, caFile: caFile?.value, caPath: caPath?.value };
}

const none = { cert: undefined, key: undefined, caFile: undefined, caPath: undefined };
const own: Options = { tca: '/ca', tcert: '/c', tkey: '/k' };

const precedence: readonly (Given & { name: string; role?: Role; files: object })[] = [
  { name: 'the own names', sst: own, files: { cert: '/c', key: '/k', caFile: '/ca' } },
  { name: 'a directory of CAs', sst: { tcap: '/cas', tcert: '/c' }, files: { cert: '/c', caPath: '/cas' } },
  {
    name: 'file and directory of CAs',
    sst: { ...own, tcap: '/cas' },
    files: { cert: '/c', key: '/k', caFile: '/ca', caPath: '/cas' },
  },
  {
    name: 'the own names before all others',
    sst: {
      ...own,
      'ssl-server-cert': '/x',
      'ssl-server-key': '/x',
      'ssl-server-ca': '/x',
      'ssl-cert': '/x',
      'ssl-ca': '/x',
    },
    server: ['--ssl-cert=/x', '--ssl-ca=/x'],
    mysqld: { 'ssl-cert': '/x', 'ssl-ca': '/x', 'ssl-key': '/x' },
    files: { cert: '/c', key: '/k', caFile: '/ca' },
  },
  {
    name: "the server's names of a joiner, from [sst]",
    sst: {
      'ssl-server-cert': '/sc',
      'ssl-server-key': '/sk',
      'ssl-server-ca': '/sa',
      'ssl-cert': '/x',
      'ssl-key': '/x',
      'ssl-ca': '/x',
    },
    files: { cert: '/sc', key: '/sk', caFile: '/sa' },
  },
  {
    name: "the client's names of a donor, from [sst]",
    role: 'donor',
    sst: {
      'ssl-server-cert': '/x',
      'ssl-server-ca': '/x',
      'ssl-client-cert': '/cc',
      'ssl-client-key': '/ck',
      'ssl-client-capath': '/ca',
      'ssl-ca': '/x',
    },
    files: { cert: '/cc', key: '/ck', caPath: '/ca' },
  },
  {
    name: "the server's names are not for a donor",
    role: 'donor',
    sst: { 'ssl-server-cert': '/x', 'ssl-server-ca': '/x', ssl_cert: '/c', ssl_ca: '/ca' },
    files: { cert: '/c', caFile: '/ca' },
  },
  {
    name: 'the common names of [sst] before the role’s of [mysqld]',
    sst: { 'ssl-cert': '/c', 'ssl-key': '/k', 'ssl-capath': '/cas' },
    mysqld: { 'ssl-server-cert': '/x', 'ssl-server-key': '/x', 'ssl-server-ca': '/x' },
    files: { cert: '/c', key: '/k', caPath: '/cas' },
  },
  {
    name: 'the role’s names of [mysqld] before the common ones of the command line',
    server: ['--ssl-cert=/x', '--ssl-ca=/x'],
    mysqld: { 'ssl-server-cert': '/c', 'ssl-server-ca': '/ca' },
    files: { cert: '/c', caFile: '/ca' },
  },
  {
    name: 'the command line before [mysqld]',
    server: ['--ssl_cert=/c', '--ssl-key=/k', '--loose-ssl-ca=/ca'],
    mysqld: { 'ssl-cert': '/x', 'ssl-key': '/x', 'ssl-ca': '/x' },
    files: { cert: '/c', key: '/k', caFile: '/ca' },
  },
  {
    name: 'tca, tcert and tkey of [mysqld] are nobody’s',
    mysqld: { tca: '/x', tcert: '/x', tkey: '/x', 'ssl-cert': '/c', 'ssl-ca': '/ca' },
    files: { cert: '/c', caFile: '/ca' },
  },
  {
    name: 'a bundle in tcert does not meet the key of another family',
    sst: { tca: '/ca', tcert: '/bundle', 'ssl-key': '/x', 'ssl-server-key': '/x' },
    mysqld: { 'ssl-key': '/x' },
    files: { cert: '/bundle', caFile: '/ca' },
  },
  {
    name: 'tkey alone makes no certificate',
    sst: { tca: '/ca', tkey: '/x', 'ssl-cert': '/c' },
    files: { cert: '/c', caFile: '/ca' },
  },
  {
    name: 'beside tca the server’s own CAs are not trusted',
    sst: own,
    mysqld: { 'ssl-capath': '/etc/ssl/certs' },
    files: { cert: '/c', key: '/k', caFile: '/ca' },
  },
  {
    name: 'empty values are as if they were not there',
    sst: { tca: '', tcert: '', tkey: '', 'ssl-cert': '/c', 'ssl-key': undefined, 'ssl-ca': '/ca' },
    files: { cert: '/c', caFile: '/ca' },
  },
];

t.test('certificate, key and CAs come from the first family that has them', async (t) => {
  for (const { name, role, files, ...given } of precedence) {
    t.strictSame(filesOf(given, role), { ...none, ...files }, name);
  }
});

t.test('every value knows where it stands', async (t) => {
  const { cert, key, caFile } = resolveTls(settingsOf({ sst: own }), 'donor');
  t.strictSame(cert.source, { kind: 'file', file: '/etc/my.cnf', line: 3, group: 'sst', name: 'tcert' });
  t.match(key?.source, { line: 4, name: 'tkey' });
  t.match(caFile?.source, { line: 2, name: 'tca' });
});

t.test('without certificate or CA there is no tunnel', async (t) => {
  const cases = [
    [
      { tca: '/ca' },
      {
        code: 'OPTION_MISSING',
        option: 'tcert',
        message: 'tcert is not set: the tunnel has no certificate to show',
      },
    ],
    [
      { tcert: '/c' },
      {
        code: 'OPTION_MISSING',
        option: 'tca',
        message: 'tca is not set, and ssl-mode=VERIFY_IDENTITY needs a CA to verify peers against',
      },
    ],
    [
      { tcert: '/c', 'ssl-mode': 'VERIFY_CA' },
      {
        code: 'OPTION_MISSING',
        message: 'tca is not set, and ssl-mode=VERIFY_CA needs a CA to verify peers against',
      },
    ],
  ] as const;
  for (const [sst, error] of cases) t.throws(() => resolveTls(settingsOf({ sst }), 'joiner'), error);
});

t.test('ssl-mode is strict unless somebody says otherwise', async (t) => {
  const modes: [Given, string, string | undefined][] = [
    [{}, 'VERIFY_IDENTITY', undefined],
    [{ sst: { 'ssl-mode': '' } }, 'VERIFY_IDENTITY', undefined],
    [{ sst: { 'ssl-mode': undefined } }, 'VERIFY_IDENTITY', undefined],
    [{ sst: { ssl_mode: 'verify_identity' } }, 'VERIFY_IDENTITY', undefined],
    [{ sst: { 'ssl-mode': ' VERIFY-CA ' } }, 'VERIFY_CA', undefined],
    [{ mysqld: { 'ssl-mode': 'VERIFY_CA' } }, 'VERIFY_CA', undefined],
    [{ sst: { 'ssl-mode': 'VERIFY_CA' }, mysqld: { 'ssl-mode': 'REQUIRED' } }, 'VERIFY_CA', undefined],
    [{ sst: { 'ssl-mode': 'required' } }, 'REQUIRED', 'ssl-mode'],
    [{ sst: { sockopt: 'verify=0' } }, 'REQUIRED', 'sockopt'],
    [{ sst: { sockopt: ',cipher=HIGH,OpenSSL-Verify=0' } }, 'REQUIRED', 'sockopt'],
    [{ sst: { sockopt: 'verify=0,verify=1' } }, 'VERIFY_IDENTITY', undefined],
    [{ sst: { sockopt: 'verify=1' } }, 'VERIFY_IDENTITY', undefined],
    [{ sst: { sockopt: 'verify' } }, 'VERIFY_IDENTITY', undefined],
    [{ sst: { sockopt: 'verify=1', 'ssl-mode': 'REQUIRED' } }, 'VERIFY_CA', undefined],
    [{ sst: { sockopt: 'verify=0', 'ssl-mode': 'VERIFY_CA' } }, 'REQUIRED', 'sockopt'],
  ];
  for (const [given, mode, offBy] of modes) {
    const tls = resolveTls(
      settingsOf({ ...given, sst: { tca: '/ca', tcert: '/c', ...given.sst } }),
      'joiner',
    );
    t.equal(tls.mode, mode, JSON.stringify(given));
    t.equal(tls.verificationOffBy?.source.name, offBy, JSON.stringify(given));
  }
  t.doesNotThrow(() => resolveTls(settingsOf({ sst: { tcert: '/c', 'ssl-mode': 'REQUIRED' } }), 'donor'));
});

t.test('clear text and unknown modes are refused with their place', async (t) => {
  const resolve = (mode: string): unknown =>
    resolveTls(settingsOf({ sst: { ...own, 'ssl-mode': mode } }), 'joiner');
  t.throws(() => resolve('disabled'), {
    code: 'CLEAR_TEXT_REFUSED',
    message: 'ssl-mode=DISABLED: this method never sends clear text',
    option: 'ssl-mode',
    where: '/etc/my.cnf:5',
  });
  for (const mode of ['PREFERRED', 'yes', '1', 'VERIFY_IDENTITY\n;']) {
    t.throws(() => resolve(mode), {
      code: 'OPTION_INVALID',
      message: `ssl-mode is ${JSON.stringify(mode)}, which is no known mode`,
      where: '/etc/my.cnf:5',
      hint: 'use VERIFY_IDENTITY (the default), VERIFY_CA or REQUIRED; my_print_defaults sst mysqld shows what is set',
    });
  }
});

function sockopt(value: string): Sourced<string> {
  return { value, source: { kind: 'file', file: '/etc/my.cnf', line: 7, group: 'sst', name: 'sockopt' } };
}

t.test('sockopt is taken apart at its commas', async (t) => {
  const cases: [string, readonly string[], object][] = [
    ['', [], {}],
    [',', [], {}],
    ['pf=ip6', ['pf=ip6'], {}],
    [
      ',cipher=ECDHE-RSA-AES128-GCM-SHA256:HIGH, pf=ip6 ,',
      ['cipher=ECDHE-RSA-AES128-GCM-SHA256:HIGH', 'pf=ip6'],
      {},
    ],
    ['keepalive', ['keepalive'], {}],
    ['openssl-min-proto-version=TLS1.3', ['openssl-min-proto-version=TLS1.3'], {}],
    ['verify=0,pf=ip4', ['pf=ip4'], { verify: false }],
    ['Verify=1', [], { verify: true }],
    ['commonname=galera', [], { commonName: 'galera' }],
    ['cn=a,openssl-commonname=b,pf=ip6', ['pf=ip6'], { commonName: 'b' }],
  ];
  for (const [value, options, rest] of cases) {
    const parsed = parseSocketOptions(sockopt(value));
    t.strictSame(parsed.options, options, value);
    t.strictSame(
      { verify: parsed.verify, commonName: parsed.commonName },
      { verify: undefined, commonName: undefined, ...rest },
      value,
    );
    t.equal(parsed.source?.value, value);
  }
  t.strictSame(parseSocketOptions(undefined), { options: [] });
});

t.test('ciphers of sockopt that leave clear text are refused, however they are written', async (t) => {
  const lists = [
    'cipher=eNULL',
    'openssl-cipherlist=HIGH:e\\NULL',
    'pf=ip4,ciphers="NULL-SHA256"',
    'CIPHER=ALL@SECLEVEL=0',
    'cipher=ADH-AES256-SHA',
  ];
  for (const list of lists) {
    t.throws(
      () => parseSocketOptions(sockopt(list)),
      { code: 'CLEAR_TEXT_REFUSED', option: 'sockopt', where: '/etc/my.cnf:7', hint: /^remove / },
      list,
    );
  }
});

const refusedSockopts = [
  ...['min-version=TLS1.1', 'openssl-max-proto-version=T\\LS1', 'method=SSL3'].map(
    (old) => [old, `sockopt has ${old}, and versions before TLS 1.2 are broken`] as const,
  ),
  ['cipher=A B', 'sockopt has the list of ciphers "A B"'],
  ['cert=/x', 'sockopt may not set cert: it is set from other options'],
  ['pf=ip6,KEY=/x', 'sockopt may not set key: it is set from other options'],
  ['openssl-certificate=/x', 'sockopt may not set cert: it is set from other options'],
  ['certificate=/x', 'sockopt may not set cert: it is set from other options'],
  ['cafile=/x', 'sockopt may not set cafile: it is set from other options'],
  ['ca=/x', 'sockopt may not set cafile: it is set from other options'],
  ['openssl-capath=/x', 'sockopt may not set capath: it is set from other options'],
  ['fork', 'sockopt may not set fork: it is set from other options'],
  ['a=b!!EXEC:sh', 'sockopt holds "!!", which would begin a second socat address'],
  ['a=b\nc', 'sockopt holds a control character'],
  ['ver"if"y=0', 'sockopt holds "ver\\"if\\"y=0", expected name or name=value'],
  ['\\verify=0', 'sockopt holds "\\\\verify=0", expected name or name=value'],
  ['=0', 'sockopt holds "=0", expected name or name=value'],
  ['verify =0', 'sockopt holds "verify =0", expected name or name=value'],
  ['verify=0x0', 'sockopt has verify=0x0, expected 0 or 1'],
  ['verify=-0', 'sockopt has verify=-0, expected 0 or 1'],
  ['verify= 0', 'sockopt has verify= 0, expected 0 or 1'],
  ['verify="0"', 'sockopt has verify="0", expected 0 or 1'],
  ['verify=', 'sockopt has verify=, expected 0 or 1'],
  ['commonname=', 'sockopt has commonname without a name'],
  ['cn', 'sockopt has commonname without a name'],
] as const;

t.test('what would make the tunnel another one is refused in sockopt', async (t) => {
  for (const [value, message] of refusedSockopts) {
    t.throws(
      () => parseSocketOptions(sockopt(value)),
      { code: 'OPTION_INVALID', message, option: 'sockopt', where: '/etc/my.cnf:7' },
      value,
    );
  }
});

t.test('options are known under all names that socat has for them', async (t) => {
  t.equal(socketOptionName('NoSNI=1'), 'no-sni');
  t.equal(socketOptionName('openssl-no-sni'), 'no-sni');
  t.equal(socketOptionName('openssl-cipherlist=x'), 'cipher');
  t.equal(socketOptionName('constructor'), 'constructor');
});
