import { chmodSync } from 'node:fs';
import t from 'tap';
import type { BareNode, RunOptions } from './bare-node.js';
import { refusals, type BadInput } from './failing.js';
import { Material } from './material.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(300_000);

/** A good configuration with more options in `[sst]`. */
const adding =
  (more: Readonly<Record<string, string | null>>, run?: RunOptions) =>
  (node: BareNode): RunOptions | undefined => {
    node.configure(material.groups({}, more));
    return run;
  };

const values: BadInput[] = [
  {
    title: 'an unknown ssl-mode',
    prepare: adding({ 'ssl-mode': 'VERIFY_ALL' }),
    code: 'OPTION_INVALID',
    says: ['ssl-mode is "VERIFY_ALL"'],
    option: 'ssl-mode',
    hint: /VERIFY_IDENTITY .*VERIFY_CA or REQUIRED/,
  },
  {
    title: 'ssl-mode=DISABLED',
    prepare: adding({ 'ssl-mode': 'disabled' }),
    code: 'CLEAR_TEXT_REFUSED',
    says: ['never sends clear text'],
    option: 'ssl-mode',
    hint: /wsrep_sst_method=rsync/,
  },
  ...['FOO', 'TLS_FOO'].map((value): BadInput => ({
    title: `ssl-cipher=${value}`,
    // Without it the time limit of a donor's handshake would end what is left over.
    prepare: adding({ 'ssl-cipher': value, 'sst-connect-timeout': '0' }),
    code: 'OPTION_INVALID',
    says: [`ssl-cipher: OpenSSL knows no cipher in "${value}"`],
    option: 'ssl-cipher',
    hint: /openssl ciphers/,
  })),
  ...[
    ['backup-threads', 'many', 'expected a whole number from 1 to 64'],
    ['backup-threads', '0', 'expected a whole number from 1 to 64'],
    ['sst-max-binlogs', '1.5', 'expected a whole number from -1'],
    ['sst-initial-timeout', '-1', 'expected a whole number from 0'],
    ['sst-idle-timeout', '5min', 'expected a whole number from 0'],
    ['allow-donor-without-secret', 'maybe', 'expected ON or OFF'],
  ].map(([name = '', value = '', says = '']): BadInput => ({
    title: `${name}=${value}`,
    prepare: adding({ [name]: value }),
    code: 'OPTION_INVALID',
    says: [`${name} is "${value}", ${says}`],
    option: name,
  })),
];

const sockopt: BadInput[] = [
  ['an unknown option', 'no-such-option=1', 'unknown option "no-such-option"'],
  ['a cipher that OpenSSL does not know', 'cipher=NOPE', 'OpenSSL knows no cipher in "NOPE"'],
  ['an unknown protocol family', 'pf=nonsense', 'unknown protocol family "nonsense"'],
  ['a word where a number belongs', 'keepidle=soon', 'missing numerical value of option "keepidle=soon"'],
  ['an option without its value', 'cipher', 'option "cipher": value required'],
  ['an address that is not one', 'bind=999.1.1.1', 'getaddrinfo("999.1.1.1"'],
  ['an interface that is not there', 'so-bindtodevice=nodev0', 'No such device'],
  ['a TLS version that there is not', 'openssl-min-proto-version=TLS9', 'Unknown SSL/TLS version "TLS9"'],
].map(([title = '', value = '', says = '']): BadInput => ({
  title: `sockopt with ${title}`,
  role: 'joiner',
  prepare: adding({ sockopt: value }),
  code: 'SOCKOPT_REJECTED',
  says: [says],
  option: 'sockopt',
  hint: /correct sockopt/,
}));

const sockoptSyntax: BadInput[] = [
  ['a quote that nothing closes', `cipher="ALL`, 'quote'],
  ['an apostrophe that nothing closes', `nodelay,it's`, 'quote'],
  ['a backslash at its end', 'cipher=ALL\\\\', 'backslash'],
  ['a second address', 'nodelay!!EXEC:id', '"!!"'],
  ['a control character', 'cipher=ALL\\nfork', 'control character'],
  ["the certificate's file", 'cert=/etc/other.pem', 'may not set cert'],
].map(([title = '', value = '', says = '']): BadInput => ({
  title: `sockopt with ${title}`,
  prepare: adding({ sockopt: value }),
  code: 'OPTION_INVALID',
  says: [says],
  option: 'sockopt',
}));

const addresses: BadInput[] = [
  ['shell characters', '127.0.0.1$(id)', 'neither a host name nor an IP address'],
  ['a semicolon', 'node1;id:4444', 'neither a host name nor an IP address'],
  ['a line end', '127.0.0.1\nready evil:4444', 'neither a host name nor an IP address'],
  ['shell characters in the module', '127.0.0.1/$(id)', 'module "$(id)" has characters other than'],
  [
    'a comma, which socat would take for an option',
    'node1,verify=0',
    'neither a host name nor an IP address',
  ],
  ['port 0', '127.0.0.1:0', 'port "0" is not a number from 1 to 65535'],
  ['a port above 65535', '127.0.0.1:65536', 'port "65536" is not a number from 1 to 65535'],
  ['a port that is a word', '127.0.0.1:mysql', 'port "mysql" is not a number from 1 to 65535'],
  ['an IPv6 address cut short', '[::1:4444', 'neither a host name nor an IP address'],
  ['a leading dash', '-node1', 'neither a host name nor an IP address'],
].map(([title = '', address = '', says = '']): BadInput => ({
  title: `--address with ${title}`,
  prepare: adding({}, { address }),
  code: 'ADDRESS_INVALID',
  says: [`--address`, says],
  hint: /wsrep_sst_receive_address/,
}));

addresses.push({
  title: "--address with a port that the server's user may not listen on",
  role: 'joiner',
  prepare: adding({}, { address: '127.0.0.1:443' }),
  code: 'PORT_FORBIDDEN',
  says: ['this user may not listen on port 443'],
  hint: /a port from 1024 up in wsrep_sst_receive_address/,
});

const argumentsGiven: BadInput[] = [
  ['an empty --address', { address: '' }, '--address is missing'],
  ['an unknown role', { args: ['--role', 'arbiter'] }, '--role is "arbiter", expected joiner or donor'],
  ['a word that is no option', { args: ['word'] }, 'expected an option, got "word"'],
  ['an option without its value', { args: ['--binlog'] }, '--binlog has no value'],
  ['a --parent that is no process id', { args: ['--parent', 'me'] }, '--parent is "me"'],
].map(([title, run, says]): BadInput => ({
  title: title as string,
  prepare: adding({}, run as RunOptions),
  code: 'ARGUMENT_INVALID',
  says: [says as string],
  hint: /run by the MariaDB server/,
}));

const optionFiles: BadInput[] = [
  {
    title: 'an option file that does not exist',
    prepare: (node) => ({ args: ['--defaults-file', `${node.dir}/other.cnf`] }),
    code: 'OPTION_FILE_UNREADABLE',
    says: ['cannot read the option file', 'other.cnf', 'no such file'],
    hint: /create the file, or correct the path/,
  },
  {
    title: "an option file that the server's user may not read",
    prepare: (node) => {
      node.configure(material.groups());
      chmodSync(node.optionFile, 0o600);
      return undefined;
    },
    code: 'OPTION_FILE_UNREADABLE',
    says: ['cannot read the option file', 'permission denied'],
    hint: /readable for the user that the server runs as/,
  },
  {
    title: 'an option before any group',
    prepare: (node) => node.writeOptionFile('# mine\n\ntcert=/x\n[sst]\n'),
    code: 'OPTION_FILE_INVALID',
    says: ['an option stands before any [group]', 'my.cnf:3)'],
    hint: /my_print_defaults/,
  },
  {
    title: 'a group that is not closed',
    prepare: (node) => node.writeOptionFile('[sst\n'),
    code: 'OPTION_FILE_INVALID',
    says: ['a group name has no closing bracket', 'my.cnf:1)'],
  },
];

for (const [title, cases] of Object.entries({
  'values of options': values,
  'sockopt that socat rejects': sockopt,
  'sockopt that is no list of options': sockoptSyntax,
  addresses,
  'arguments of the script': argumentsGiven,
  'option files': optionFiles,
})) {
  t.test(title, (t) => {
    refusals(t, cases);
    t.end();
  });
}
