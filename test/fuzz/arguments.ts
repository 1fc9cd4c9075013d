import { isIP } from 'node:net';
import fc from 'fast-check';
import { formatAddress, parseAddress } from '../../src/config/address.js';
import { parseArguments } from '../../src/sst-script/arguments.js';
import { parseAuth, parseStdin } from '../../src/sst-script/secrets.js';
import { readServerArguments } from '../../src/config/settings.js';
import { hostileArgument, hostileText, mutatedText } from './inputs.js';
import { claim, resultOrRefusal, target } from './target.js';

const goodAddresses = [
  ...[
    '127.0.0.1',
    'node1.my.cluster:4444',
    '[::1]:4444/rsync_tunnel_sst',
    'fd99::1',
    '10.0.0.1:1/',
    'a_b-c.d.',
  ],
  ...['[fd99::1]', '::ffff:10.0.0.1', 'node1:65535/rsync_tunnel_sst/x', 'xn--bcher-kva.example'],
];
const addresses = fc.oneof(mutatedText(goodAddresses), hostileText);

export const addressTexts = target('addresses', 18, addresses, (text) => {
  const address = resultOrRefusal(() => parseAddress(text, '--address'));
  if (address === undefined) return;
  const { host, port, family, module } = address;
  claim(Number.isInteger(port) && port >= 1 && port <= 65535, 'a port');
  claim(/^[A-Za-z0-9_.:-]+$/.test(host) && !host.startsWith('-'), 'a host that is no syntax to anybody');
  claim((family === 'ip6') === (isIP(host) === 6), 'an IPv6 address is known as one');
  claim(module === undefined || /^[A-Za-z0-9._/-]*$/.test(module), 'a plain module');
  const again = parseAddress(formatAddress(address), '--address');
  claim(again.host === host && again.port === port && again.family === family, 'reads what it writes');
});

const joinerWords = ['--role', 'joiner', '--address', '127.0.0.1', '--datadir', '/d/', '--parent', '7'];
const donorWords = [
  '--role',
  'donor',
  '--address',
  '127.0.0.1:4444/rsync_tunnel_sst',
  '--bypass',
  '--gtid',
  'x:1',
];
const serverWords = [
  '--mysqld-args',
  'mariadbd',
  '--datadir=/d',
  '--log-bin',
  '--loose_innodb-undo-directory=u',
];
const word = fc.oneof(
  fc.constantFrom(
    ...joinerWords,
    ...donorWords,
    ...serverWords,
    '--defaults-file',
    '--__proto__=x',
    '--role=',
  ),
  hostileArgument,
  hostileArgument.map((text) => `--${text}`),
  hostileArgument.map((text) => `--datadir=${text}`),
);
const argv = fc
  .tuple(fc.constantFrom(joinerWords, donorWords, []), fc.array(word, { maxLength: 8 }), fc.nat(12))
  .map(([words, more, where]) => [...words.slice(0, where), ...more, ...words.slice(where)]);

export const argumentLists = target('arguments', 14, argv, (words) => {
  const read = resultOrRefusal(() => parseArguments(words));
  readServerArguments(read?.serverArguments ?? words);
  if (read === undefined) return;
  claim(read.address !== '', 'an address');
  claim(read.parentPid === undefined || (read.parentPid > 0 && Number.isInteger(read.parentPid)), 'a pid');
});

const secret = '0123456789abcdef'.repeat(3);
const handedOver = fc.oneof(
  mutatedText([
    `sst:${secret}`,
    `sst_user=a\nsst_remote_user=sst\nsst_remote_password=${secret}\n`,
    '(null)',
  ]),
  hostileText,
);

export const secrets = target('secrets', 4, handedOver, (text) => {
  for (const found of [parseAuth(text), parseStdin(text)]) {
    claim(found === undefined || (found.user === 'sst' && /^[0-9a-f]+$/.test(found.secret)), 'ours or none');
  }
});
