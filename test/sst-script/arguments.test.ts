import fc from 'fast-check';
import t from 'tap';
import { TransferError } from '../../src/errors.js';
import { parseArguments } from '../../src/sst-script/arguments.js';

t.test('what a server passes to a joiner is read', async (t) => {
  const argv = [
    '--role',
    'joiner',
    '--address',
    '192.0.2.1:4444',
    '--datadir',
    '/var/lib/my sql/',
    '--defaults-file',
    '/etc/my.cnf',
  ];
  argv.push('--parent', '4711', '--progress', '0', '--binlog', 'mysql-bin', '--binlog-index', '');
  argv.push('--mysqld-args', '--datadir=/x', '--role', 'donor', '--mysqld-args', '');
  t.strictSame(parseArguments(argv), {
    role: 'joiner',
    address: '192.0.2.1:4444',
    defaultsFile: '/etc/my.cnf',
    defaultsExtraFile: undefined,
    defaultsGroupSuffix: undefined,
    parentPid: 4711,
    bypass: false,
    gtid: undefined,
    gtidDomainId: undefined,
    direct: new Map([
      ['datadir', '/var/lib/my sql/'],
      ['binlog', 'mysql-bin'],
    ]),
    serverArguments: ['--datadir=/x', '--role', 'donor', '--mysqld-args', ''],
  });
});

t.test('what a server passes to a donor is read', async (t) => {
  const argv = [
    '--role',
    'donor',
    '--address',
    '[::1]:4444/rsync_tunnel_sst',
    '--local-port',
    '3306',
    '--socket',
    '/s',
  ];
  argv.push(
    '--progress',
    '0',
    '--datadir',
    '/d/',
    '--defaults-extra-file',
    '/e',
    '--defaults-group-suffix',
    '.1',
  );
  argv.push('--gtid', '6e8b1c5e-0000-11ee-8000-0242ac120002:42', '--gtid-domain-id', '0', '--bypass');
  argv.push('--innodb-log-group-home-dir', '/log', '--mysqld-args');
  t.strictSame(parseArguments(argv), {
    role: 'donor',
    address: '[::1]:4444/rsync_tunnel_sst',
    defaultsFile: undefined,
    defaultsExtraFile: '/e',
    defaultsGroupSuffix: '.1',
    parentPid: undefined,
    bypass: true,
    gtid: '6e8b1c5e-0000-11ee-8000-0242ac120002:42',
    gtidDomainId: '0',
    direct: new Map([
      ['datadir', '/d/'],
      ['innodb-log-group-home-dir', '/log'],
    ]),
    serverArguments: [],
  });
});

const least = ['--role', 'donor', '--address', 'node1'];

t.test('options may be written in several ways', async (t) => {
  const direct = (...argv: string[]): [string, string][] => [...parseArguments([...least, ...argv]).direct];
  t.strictSame(direct('--datadir=/a b'), [['datadir', '/a b']]);
  t.strictSame(direct('--innodb_undo_directory', '/u'), [['innodb-undo-directory', '/u']]);
  t.strictSame(direct('--loose-aria-log-dir-path=/l'), [['aria-log-dir-path', '/l']]);
  t.strictSame(direct('--datadir', '/a', '--datadir=/b'), [['datadir', '/b']]);
  t.strictSame(
    direct('--binlog', '--mysqld-args'),
    [['binlog', '--mysqld-args']],
    'a value that looks like an option',
  );
  t.strictSame(direct('--datadir=/a\nb'), [['datadir', '/a\nb']]);
  t.strictSame(direct('--new-option', 'x'), [['new-option', 'x']]);
  t.strictSame(direct('--log-basename='), []);
  t.equal(parseArguments(['--role=joiner', '--address=node1', '--bypass']).bypass, true);
});

t.test('what no server passes is refused', async (t) => {
  const refused = [
    [[], '--role is null, expected joiner or donor'],
    [['--role', 'Joiner'], '--role is "Joiner", expected joiner or donor'],
    [['--role', 'donor\n'], '--role is "donor\\n", expected joiner or donor'],
    [['--role'], '--role has no value'],
    [['--role', 'donor'], '--address is missing'],
    [['--role', 'donor', '--address', ''], '--address is missing'],
    [[...least, 'stray'], 'expected an option, got "stray"'],
    [[...least, '-x'], 'expected an option, got "-x"'],
    [[...least, '--'], 'expected an option, got "--"'],
    [[...least, '--=x'], 'expected an option, got "--=x"'],
    [[...least, '--a b=c'], 'expected an option, got "--a b=c"'],
    [[...least, ''], 'expected an option, got ""'],
    [[...least, 'x'.repeat(300)], `expected an option, got "${'x'.repeat(200)}"`],
    [[...least, '--datadir'], '--datadir has no value'],
    [[...least, '--parent', 'x'], '--parent is "x", expected a process id'],
    [[...least, '--parent', '0'], '--parent is "0", expected a process id'],
    [[...least, '--parent', '-1'], '--parent is "-1", expected a process id'],
    [[...least, '--parent', '1 '], '--parent is "1 ", expected a process id'],
  ] as const;
  for (const [argv, message] of refused) {
    t.throws(() => parseArguments(argv), { code: 'ARGUMENT_INVALID', message, exitStatus: 22 }, message);
  }
});

const word = fc.oneof(
  fc.constantFrom(...least, '--bypass', '--parent', '1', '--mysqld-args', '--datadir=/d', '--gtid', '--', ''),
  fc.string({ unit: 'binary' }),
  fc.string().map((text) => `--${text}`),
);

t.test('any command line is read or refused', async () => {
  fc.assert(
    fc.property(fc.array(word), fc.boolean(), (words, isComplete) => {
      try {
        const { role, address } = parseArguments(isComplete ? [...least, ...words] : words);
        return ['joiner', 'donor'].includes(role) && address !== '';
      } catch (error) {
        return error instanceof TransferError && error.code === 'ARGUMENT_INVALID';
      }
    }),
    { numRuns: 300 },
  );
});
