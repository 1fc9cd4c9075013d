import type { SstOption } from './sst-options.js';

/** What an administrator has to know about an option of `[sst]`. */
export interface OptionDescription {
  /** What stands after the `=`. */
  readonly value: string;
  /** Empty where there is none. */
  readonly default: string;
  /** Looked for in the server's own groups (`[mysqld]`, `[mariadb]`, …), too, after `[sst]`. */
  readonly alsoOfServer: boolean;
  /** Plain text with `code` in backticks. */
  readonly meaning: string;
}

const inSst = (value: string, byDefault: string, meaning: string): OptionDescription => ({
  value,
  default: byDefault,
  alsoOfServer: false,
  meaning,
});

const anywhere = (value: string, byDefault: string, meaning: string): OptionDescription => ({
  ...inSst(value, byDefault, meaning),
  alsoOfServer: true,
});

const insteadOf = (option: string, use: string): string =>
  `${use}, where \`${option}\` is not set. A certificate is used with the key of its own family of names.`;

/** Every option of `[sst]` in the order of the manual; documentation, man page and the sample file are made from it. */
export const optionDescriptions: Readonly<Record<SstOption, OptionDescription>> = {
  tcert: inSst(
    'FILE',
    '',
    "Required where `ssl-cert` is not set. The node's certificate in PEM. The file may hold intermediate certificates and the key, in any order.",
  ),
  tkey: inSst('FILE', "tcert's file", 'The private key, without a passphrase, readable for its owner only.'),
  tca: inSst(
    'FILE',
    '',
    "Required where neither `tcap` nor `ssl-ca` is set. The CA certificates that peers must chain to, or the peers' self-signed certificates. The system's own CAs are never trusted.",
  ),
  tcap: inSst(
    'DIRECTORY',
    '',
    'CA certificates under their OpenSSL hash names (`openssl rehash`), beside or instead of `tca`.',
  ),
  'ssl-mode': anywhere(
    'MODE',
    'VERIFY_IDENTITY',
    "`VERIFY_IDENTITY`: the peer chains to `tca`, and the joiner's certificate names its address. `VERIFY_CA`: the name does not count. `REQUIRED`: encrypted, but anyone may be at the other end. `DISABLED` is refused.",
  ),
  'ssl-crl': anywhere(
    'FILE',
    '',
    'Revocation lists in PEM: a node refuses to send to a joiner whose certificate is revoked, or to use a revoked one itself. Set in `[sst]` every CA needs a list there that is valid now. socat knows no lists, so a joiner cannot refuse a donor for its certificate; the secret keeps out who is no member.',
  ),
  'ssl-crlpath': anywhere('DIRECTORY', '', 'The same, under their OpenSSL hash names (`openssl rehash`).'),
  'tls-version': anywhere(
    'VERSION,…',
    'as OpenSSL has it',
    'The versions of TLS that the tunnel may speak: `TLSv1.2`, `TLSv1.3` or both. Older ones are never spoken.',
  ),
  'ssl-cipher': anywhere(
    'NAME:…',
    'as OpenSSL has them',
    'The ciphers that the tunnel may use with TLS 1.2. socat cannot choose among those of TLS 1.3 (`TLS_…`): they bind the handshake before the lock only.',
  ),
  sockopt: inSst(
    'OPTION,…',
    '',
    "Further options for socat's OPENSSL addresses on both sides: `cipher=…,pf=ip6`. `commonname=` sets the name that the peer must have; `verify=0` is `ssl-mode=REQUIRED`; `fork`, `cert`, `key`, `cafile` and `capath` are refused.",
  ),
  precopy: inSst(
    'auto|off|NUMBER',
    'auto',
    'Donor: passes over the files while its server writes, before the lock. `auto` repeats them as long as each leaves clearly less to send, and makes none for a small database; `off` makes none, a number at most so many.',
  ),
  compressor: inSst(
    'auto|none|zstd|lz4',
    'auto',
    'Donor: what rsync compresses with on the way, where rsync on both sides can (3.2.3). `auto` looks at a sample of the data, measures the link where it needs to, and compresses where that is clearly faster: with zstd, or with lz4 what shrinks to next to nothing on a fast link.',
  ),
  'backup-threads': anywhere(
    'NUMBER',
    'cores, at most 8',
    'rsync streams at once, 1 to 64. Files are spread over them by size, whatever schema they belong to.',
  ),
  rlimit: inSst(
    'RATE',
    'no limit',
    'Donor: bytes per second that all streams share; `k`, `m`, `g` and `t` stand for KiB, MiB, GiB and TiB. `galera-sst-tunnel throttle` changes it while a transfer runs.',
  ),
  'sst-initial-timeout': anywhere(
    'SECONDS',
    '300',
    'Joiner: how long it waits until a donor has connected; 0 without limit.',
  ),
  'sst-idle-timeout': anywhere(
    'SECONDS',
    '120',
    "How long a donor's stream, or a joiner whose donor has come, waits for a byte before it gives up; 0 without limit. A donor that waits for its server's lock sends a sign every 30 s, one with the original script does not.",
  ),
  'sst-connect-timeout': anywhere(
    'SECONDS',
    '10',
    'Donor: how long it tries to reach the joiner and to shake hands with it; 0 without limit.',
  ),
  'sst-overall-timeout': anywhere(
    'SECONDS',
    '0',
    'How long a transfer may take in all, also one whose bytes keep coming; 0 without limit.',
  ),
  verify: inSst(
    'size|checksum',
    'size',
    'Joiner: what proves that the copy is complete. `size`: names, sizes and times. `checksum`: also the contents of every file, read back from its own disk and compared by SHA-256.',
  ),
  'page-cache': inSst(
    'drop|keep',
    'drop',
    "Joiner: whether the tables that it receives leave the host's page cache as they come. `keep` where the server reads its tables through the page cache (`innodb_flush_method=fsync`) and they fit into memory.",
  ),
  ktls: inSst(
    'ON|OFF',
    'OFF',
    "Have socat leave encryption to the kernel (kTLS) where that and socat's OpenSSL (3.0 or newer) can do it; each node for itself. Neither run nor measured yet, for want of such a kernel: try it with a rehearsal and `verify=checksum`.",
  ),
  'sst-max-binlogs': anywhere(
    'NUMBER',
    '1',
    "How many of the donor's latest binary logs travel, and those before them that its recovery needs; 0 none, -1 all.",
  ),
  tmpdir: inSst(
    'DIRECTORY',
    "the system's",
    'Where a transfer keeps its private files: configuration of the daemon, secret, lists of files.',
  ),
  'allow-donor-without-secret': inSst(
    'ON|OFF',
    'OFF',
    'Joiner: let in donors that run the original script. Meant for the time of an upgrade: see the upgrade guide.',
  ),
  'ssl-cert': anywhere('FILE', '', insteadOf('tcert', 'The certificate for both roles')),
  'ssl-key': anywhere('FILE', '', 'The key of `ssl-cert`.'),
  'ssl-ca': anywhere('FILE', '', insteadOf('tca', 'The CA certificates for both roles')),
  'ssl-capath': anywhere('DIRECTORY', '', insteadOf('tcap', 'A directory of CA certificates')),
  'ssl-server-cert': anywhere('FILE', '', insteadOf('tcert', 'The certificate as joiner')),
  'ssl-server-key': anywhere('FILE', '', 'The key of `ssl-server-cert`.'),
  'ssl-server-ca': anywhere(
    'FILE',
    '',
    insteadOf('tca', "The CA certificates that a joiner's peers chain to"),
  ),
  'ssl-server-capath': anywhere('DIRECTORY', '', insteadOf('tcap', 'The same as a directory')),
  'ssl-client-cert': anywhere('FILE', '', insteadOf('tcert', 'The certificate as donor')),
  'ssl-client-key': anywhere('FILE', '', 'The key of `ssl-client-cert`.'),
  'ssl-client-ca': anywhere(
    'FILE',
    '',
    insteadOf('tca', "The CA certificates that a donor's peers chain to"),
  ),
  'ssl-client-capath': anywhere('DIRECTORY', '', insteadOf('tcap', 'The same as a directory')),
};
