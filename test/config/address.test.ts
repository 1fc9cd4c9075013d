import fc from 'fast-check';
import t from 'tap';
import { formatAddress, isHostName, parseAddress } from '../../src/config/address.js';
import { TransferError } from '../../src/errors.js';

const read = [
  ['node1', 'node1', 4444, 'name', undefined],
  ['node1.my.cluster', 'node1.my.cluster', 4444, 'name', undefined],
  ['node1.my.cluster.', 'node1.my.cluster.', 4444, 'name', undefined],
  ['Node_1', 'Node_1', 4444, 'name', undefined],
  ['node1:4567', 'node1', 4567, 'name', undefined],
  ['node1:', 'node1', 4444, 'name', undefined],
  ['node1:1', 'node1', 1, 'name', undefined],
  ['node1:65535', 'node1', 65535, 'name', undefined],
  ['node1:04444', 'node1', 4444, 'name', undefined],
  ['192.0.2.7', '192.0.2.7', 4444, 'ip4', undefined],
  ['192.0.2.7:5555', '192.0.2.7', 5555, 'ip4', undefined],
  ['[2001:db8::7]', '2001:db8::7', 4444, 'ip6', undefined],
  ['[2001:db8::7]:5555', '2001:db8::7', 5555, 'ip6', undefined],
  ['[2001:db8::7]:', '2001:db8::7', 4444, 'ip6', undefined],
  ['2001:db8::7', '2001:db8::7', 4444, 'ip6', undefined],
  ['::1', '::1', 4444, 'ip6', undefined],
  ['[::ffff:192.0.2.7]:1', '::ffff:192.0.2.7', 1, 'ip6', undefined],
  ['node1:4444/rsync_tunnel_sst', 'node1', 4444, 'name', 'rsync_tunnel_sst'],
  ['node1/', 'node1', 4444, 'name', ''],
  ['[::1]:4444/a/b', '::1', 4444, 'ip6', 'a/b'],
  ['::1/rsync_tunnel_sst-log_dir', '::1', 4444, 'ip6', 'rsync_tunnel_sst-log_dir'],
] as const;

t.test('every form of an address is read', async (t) => {
  for (const [text, host, port, family, module] of read) {
    t.strictSame(parseAddress(text, 'it'), { host, port, family, module }, text);
  }
});

const noHost = (text: string): string =>
  `--address ${JSON.stringify(text)} is neither a host name nor an IP address (IPv6 in brackets)`;
const withZone = (text: string): string =>
  `--address ${JSON.stringify(text)} has a zone (%), which means nothing on another host`;
const noPort = (text: string): string =>
  `--address: port ${JSON.stringify(text)} is not a number from 1 to 65535`;
const noModule = (text: string): string =>
  `--address: module ${JSON.stringify(text)} has characters other than A-Z a-z 0-9 . _ -`;

const refused = [
  ['', noHost('')],
  [':4444', noHost(':4444')],
  ['[]', noHost('[]')],
  ['[node1]', noHost('[node1]')],
  ['[192.0.2.7]', noHost('[192.0.2.7]')],
  ['[::1', noHost('[::1')],
  ['::1]', noHost('::1]')],
  ['[::1]x', noHost('[::1]x')],
  ['[::1%a,verify=0]', noHost('[::1%a,verify=0]')],
  ['fe80::1%eth0', withZone('fe80::1%eth0')],
  ['[fe80::1%eth0]:5555', withZone('[fe80::1%eth0]:5555')],
  ['[::1%]', noHost('[::1%]')],
  ['fe80::1%a:b', noPort(':1%a:b')],
  ['999.1.1.1', noHost('999.1.1.1')],
  ['1.2.3', noHost('1.2.3')],
  ['-v', noHost('-v')],
  ['a..b', noHost('a..b')],
  ['.a', noHost('.a')],
  ['node 1', noHost('node 1')],
  ['node1\n', noHost('node1\n')],
  ['node1\0', noHost('node1\0')],
  ['nöde', noHost('nöde')],
  ['a,verify=0', noHost('a,verify=0')],
  ['$(reboot)', noHost('$(reboot)')],
  ['`reboot`', noHost('`reboot`')],
  ['a;b', noHost('a;b')],
  ['a|b', noHost('a|b')],
  ['sst:secret@node1', noPort('secret@node1')],
  [
    'a'.repeat(254),
    `--address "${'a'.repeat(100)}…" is neither a host name nor an IP address (IPv6 in brackets)`,
  ],
  ['node1:0', noPort('0')],
  ['node1:65536', noPort('65536')],
  ['node1:444444', noPort('444444')],
  ['node1:-1', noPort('-1')],
  ['node1:4444 ', noPort('4444 ')],
  ['node1:4444\n', noPort('4444\n')],
  ['node1:0x1', noPort('0x1')],
  ['node1:1e3', noPort('1e3')],
  ['node1:4444:5', noPort('4444:5')],
  ['node1/a b', noModule('a b')],
  ['node1/a\nb', noModule('a\nb')],
  ["node1/'", noModule("'")],
] as const;

t.test('anything else is refused, and the error shows what came', async (t) => {
  for (const [text, message] of refused) {
    t.throws(
      () => parseAddress(text, '--address'),
      { code: 'ADDRESS_INVALID', message, exitStatus: 22 },
      text,
    );
  }
});

t.test('an address is written with brackets around IPv6 only', async (t) => {
  t.equal(formatAddress({ host: 'node1', port: 4444, family: 'name' }), 'node1:4444');
  t.equal(formatAddress({ host: '192.0.2.7', port: 1, family: 'ip4' }), '192.0.2.7:1');
  t.equal(formatAddress({ host: '::1', port: 65535, family: 'ip6' }), '[::1]:65535');
});

t.test('a host name has labels of letters, digits, dashes and underscores', async (t) => {
  for (const text of ['a', 'a.b', 'a_b', '1a', '1.2.3.4', 'a.', 'x'.repeat(253)])
    t.equal(isHostName(text), true, text);
  for (const text of ['', '.', '-a', 'a b', '1', '1.2', 'a/b', 'x'.repeat(254), '::1', 'a\n'])
    t.equal(isHostName(text), false, text);
});

const parts = fc.constantFrom(
  '[',
  ']',
  ':',
  '/',
  '%',
  '.',
  ',',
  '-',
  '4444',
  '::1',
  '1.2.3.4',
  'node',
  '\n',
  '$',
);
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(parts).map((words) => words.join('')),
);

t.test(
  'whatever comes is read or refused, and what is read holds nothing that a shell or socat could take for syntax',
  async () => {
    fc.assert(
      fc.property(text, (input) => {
        try {
          const address = parseAddress(input, 'it');
          const again = parseAddress(formatAddress(address), 'it');
          return (
            /^[A-Za-z0-9._:%-]+$/.test(address.host) &&
            !address.host.startsWith('-') &&
            again.host === address.host &&
            again.port === address.port &&
            again.family === address.family
          );
        } catch (error) {
          return error instanceof TransferError && error.code === 'ADDRESS_INVALID';
        }
      }),
      { numRuns: 400 },
    );
  },
);
