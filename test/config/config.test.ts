import { availableParallelism } from 'node:os';
import t from 'tap';
import { resolveConfig, type Config } from '../../src/config/config.js';
import { serverArguments, settingsOf, type Given } from './given.js';

function resolve(given: Given): Config {
  const sst = { tca: '/ca', tcert: '/c', ...given.sst };
  return resolveConfig(serverArguments(given), settingsOf({ direct: { datadir: '/data/' }, ...given, sst }));
}

t.test('what is not set has a default', async (t) => {
  const { tls, ...config } = resolve({});
  t.strictSame(config, {
    role: 'joiner',
    address: { host: 'node1.my.cluster', port: 4444, family: 'name', module: undefined },
    bindAddresses: [],
    directories: {
      dataDir: { value: '/data', source: { kind: 'command line', name: '--datadir' } },
      innodbDataHomeDir: undefined,
      innodbDataFilePath: undefined,
      innodbLogGroupHomeDir: undefined,
      innodbUndoDirectory: undefined,
      ariaLogDirPath: undefined,
      innodbBufferPoolFilename: undefined,
      logBin: undefined,
      logBinIndex: undefined,
      logBasename: undefined,
      serverFiles: [
        { kind: 'file', path: '/c' },
        { kind: 'file', path: '/ca' },
      ],
    },
    tmpDir: undefined,
    streams: Math.min(availableParallelism(), 8),
    precopy: 'auto',
    compressor: 'auto',
    maxBinlogs: 1,
    allowDonorWithoutSecret: false,
    initialTimeoutMs: 300_000,
    initialTimeoutBy: undefined,
    connectTimeoutMs: 10_000,
    overallTimeoutMs: 0,
    overallTimeoutBy: undefined,
    verify: 'size',
    pageCache: 'drop',
    ktls: false,
    idleTimeoutMs: 120_000,
    rateLimit: undefined,
    idleTimeoutBy: undefined,
    sources: {},
  });
  t.equal(tls.mode, 'VERIFY_IDENTITY');
});

t.test('numbers and flags are read from [sst], then [mysqld]', async (t) => {
  const cases: [Given, Partial<Config>][] = [
    [{ sst: { 'backup-threads': '3' }, mysqld: { 'backup-threads': '5' } }, { streams: 3 }],
    [{ mysqld: { backup_threads: '5' } }, { streams: 5 }],
    [{ sst: { 'backup-threads': '' } }, { streams: Math.min(availableParallelism(), 8) }],
    [{ sst: { 'backup-threads': '64' } }, { streams: 64 }],
    [{ sst: { precopy: 'off' } }, { precopy: 0 }],
    [{ sst: { precopy: '3' } }, { precopy: 3 }],
    [{ sst: { precopy: 'AUTO' } }, { precopy: 'auto' }],
    [{ mysqld: { precopy: 'off' } }, { precopy: 'auto' }],
    [{ sst: { compressor: 'zstd' } }, { compressor: 'zstd' }],
    [{ sst: { compressor: 'LZ4' } }, { compressor: 'lz4' }],
    [{ sst: { compressor: 'auto' } }, { compressor: 'auto' }],
    [{ sst: { compressor: 'none' } }, { compressor: 'none' }],
    [{ sst: { compressor: '' } }, { compressor: 'auto' }],
    [{ mysqld: { compressor: 'zstd' } }, { compressor: 'auto' }],
    [{ sst: { 'sst-max-binlogs': '0' } }, { maxBinlogs: 0 }],
    [{ mysqld: { 'sst-max-binlogs': '-1' } }, { maxBinlogs: -1 }],
    [
      { sst: { 'sst-initial-timeout': '0', 'sst-idle-timeout': '7' } },
      { initialTimeoutMs: 0, idleTimeoutMs: 7000 },
    ],
    [
      { sst: { 'sst-connect-timeout': '3' }, mysqld: { 'sst-overall-timeout': '8' } },
      { connectTimeoutMs: 3000, overallTimeoutMs: 8000 },
    ],
    [{ sst: { rlimit: '0' } }, { rateLimit: 0 }],
    [{ sst: { rlimit: '' } }, { rateLimit: undefined }],
    [{ sst: { rlimit: '1000000' } }, { rateLimit: 1_000_000 }],
    [{ sst: { rlimit: '500k' } }, { rateLimit: 512_000 }],
    [{ sst: { rlimit: '80M' } }, { rateLimit: 83_886_080 }],
    [{ sst: { rlimit: '2g' } }, { rateLimit: 2_147_483_648 }],
    [{ mysqld: { rlimit: '2g' } }, { rateLimit: undefined }],
    [{ sst: { verify: 'Checksum' } }, { verify: 'checksum' }],
    [{ sst: { verify: '' }, mysqld: { verify: 'checksum' } }, { verify: 'size' }],
    [{ sst: { page_cache: 'KEEP' } }, { pageCache: 'keep' }],
    [{ sst: { 'page-cache': '' }, mysqld: { 'page-cache': 'keep' } }, { pageCache: 'drop' }],
    [{ sst: { ktls: 'on' } }, { ktls: true }],
    [{ mysqld: { ktls: 'on' } }, { ktls: false }],
    [{ sst: { 'allow-donor-without-secret': '1' } }, { allowDonorWithoutSecret: true }],
    [{ sst: { 'allow-donor-without-secret': 'On' } }, { allowDonorWithoutSecret: true }],
    [{ sst: { 'allow-donor-without-secret': undefined } }, { allowDonorWithoutSecret: true }],
    [{ sst: { 'allow-donor-without-secret': 'FALSE' } }, { allowDonorWithoutSecret: false }],
    [{ mysqld: { 'allow-donor-without-secret': '1' } }, { allowDonorWithoutSecret: false }],
  ];
  for (const [given, expected] of cases) t.match(resolve(given), expected, JSON.stringify(given));
});

t.test('a value that is no number, out of range, or no flag is refused with its place', async (t) => {
  const refused = [
    ['backup-threads', '0', 'backup-threads is "0", expected a whole number from 1 to 64'],
    ['backup-threads', '65', 'backup-threads is "65", expected a whole number from 1 to 64'],
    ['backup-threads', '4 ', 'backup-threads is "4 ", expected a whole number from 1 to 64'],
    ['backup-threads', '2.5', 'backup-threads is "2.5", expected a whole number from 1 to 64'],
    ['backup-threads', '0x4', 'backup-threads is "0x4", expected a whole number from 1 to 64'],
    ['precopy', 'on', 'precopy is "on", expected auto, off or the most passes before the lock (1 to 999)'],
    [
      'precopy',
      '1000',
      'precopy is "1000", expected auto, off or the most passes before the lock (1 to 999)',
    ],
    ['compressor', 'pigz', 'compressor is "pigz", expected auto, none, zstd or lz4'],
    ['compressor', 'zstd -3', 'compressor is "zstd -3", expected auto, none, zstd or lz4'],
    ['sst-max-binlogs', '-2', 'sst-max-binlogs is "-2", expected a whole number from -1 to 1000000'],
    ['sst-max-binlogs', 'all', 'sst-max-binlogs is "all", expected a whole number from -1 to 1000000'],
    ['sst-idle-timeout', '-1', 'sst-idle-timeout is "-1", expected a whole number from 0 to 1000000'],
    ['sst-initial-timeout', '5m', 'sst-initial-timeout is "5m", expected a whole number from 0 to 1000000'],
    ['sst-overall-timeout', '1h', 'sst-overall-timeout is "1h", expected a whole number from 0 to 1000000'],
    [
      'rlimit',
      'fast',
      'rlimit is "fast", expected bytes per second, with k, m, g or t for KiB, MiB, GiB or TiB',
    ],
    ['rlimit', '-1', 'rlimit is "-1", expected bytes per second, with k, m, g or t for KiB, MiB, GiB or TiB'],
    [
      'rlimit',
      '1.5m',
      'rlimit is "1.5m", expected bytes per second, with k, m, g or t for KiB, MiB, GiB or TiB',
    ],
    [
      'rlimit',
      '10MB',
      'rlimit is "10MB", expected bytes per second, with k, m, g or t for KiB, MiB, GiB or TiB',
    ],
    [
      'rlimit',
      '2000t',
      'rlimit is "2000t", expected bytes per second, with k, m, g or t for KiB, MiB, GiB or TiB',
    ],
    ['verify', 'md5', 'verify is "md5", expected size or checksum'],
    ['page-cache', 'ON', 'page-cache is "ON", expected drop or keep'],
    ['ktls', 'auto', 'ktls is "auto", expected ON or OFF'],
    ['allow-donor-without-secret', 'maybe', 'allow-donor-without-secret is "maybe", expected ON or OFF'],
  ] as const;
  for (const [option, value, message] of refused) {
    t.throws(
      () => resolve({ sst: { [option]: value } }),
      { code: 'OPTION_INVALID', message, option, where: '/etc/my.cnf:4', exitStatus: 22 },
      `${option}=${value}`,
    );
  }
});

t.test(
  'directories are those given to the script, then on the server’s command line, then in [mysqld]',
  async (t) => {
    const everything = {
      'innodb-data-home-dir': '/home',
      'innodb-data-file-path': 'ibdata1:12M',
      'innodb-log-group-home-dir': 'log',
      'innodb-undo-directory': '/undo',
      'aria-log-dir-path': '/aria',
      'innodb-buffer-pool-filename': 'pool',
      'log-bin-index': 'index',
      'log-basename': 'base',
    };
    const expected = {
      innodbDataHomeDir: { value: '/home' },
      innodbDataFilePath: { value: 'ibdata1:12M' },
      innodbLogGroupHomeDir: { value: 'log' },
      innodbUndoDirectory: { value: '/undo' },
      ariaLogDirPath: { value: '/aria' },
      innodbBufferPoolFilename: { value: 'pool' },
      logBinIndex: { value: 'index' },
      logBasename: { value: 'base' },
    };
    const others = Object.fromEntries(Object.keys(everything).map((name) => [name, '/other']));
    const argv = Object.entries(everything).map(
      ([name, value]) => `--loose_${name.replaceAll('-', '_')}=${value}`,
    );
    const other = Object.keys(everything).map((name) => `--${name}=/other`);
    const direct = { datadir: '/data', ...everything };
    t.match(resolve({ direct, server: other, mysqld: others, sst: others }).directories, expected, 'direct');
    t.match(resolve({ server: argv, mysqld: others, sst: others }).directories, expected, 'command line');
    t.match(resolve({ mysqld: everything, sst: others }).directories, expected, '[mysqld]');
  },
);

t.test('the data directory loses its slash at the end and must be there', async (t) => {
  const dataDir = (value: string): string =>
    resolve({ direct: { datadir: value } }).directories.dataDir.value;
  t.equal(dataDir('/var/lib/mysql/'), '/var/lib/mysql');
  t.equal(dataDir('/with space//'), '/with space');
  t.equal(dataDir('/'), '/');
  t.equal(dataDir('//'), '/');
  t.equal(resolve({ direct: {}, mysqld: { datadir: '/m/' } }).directories.dataDir.value, '/m');
  const noDirectory: Record<string, string>[] = [{}, { datadir: '' }];
  for (const direct of noDirectory) {
    t.throws(() => resolve({ direct }), {
      code: 'OPTION_MISSING',
      option: 'datadir',
      message: 'no data directory was given',
    });
  }
});

t.test('the binary log is what the server says it is', async (t) => {
  const logBin = (given: Given): string | undefined => resolve(given).directories.logBin?.value;
  t.equal(logBin({ direct: { datadir: '/d', binlog: 'a' }, server: ['--log-bin=b'] }), 'a');
  t.equal(logBin({ server: ['--log-bin=b'], mysqld: { 'log-bin': 'c' } }), 'b');
  t.equal(logBin({ mysqld: { log_bin: 'c' } }), 'c');
  t.equal(logBin({ mysqld: { log_bin: undefined } }), '');
  t.equal(logBin({ mysqld: { log_bin: 'OFF' } }), 'OFF', 'a name, as for the server');
  t.equal(logBin({ mysqld: { log_bin: 'c', 'skip-log-bin': undefined } }), undefined);
  t.equal(logBin({ sst: { log_bin: 'c' } }), undefined);
  const index = resolve({ direct: { datadir: '/d', 'binlog-index': 'i' }, mysqld: { 'log-bin-index': 'j' } });
  t.equal(index.directories.logBinIndex?.value, 'i');
});

t.test('bind addresses that name no interface are left out', async (t) => {
  const bound = (given: Given): string[] => resolve(given).bindAddresses.map(({ value }) => value);
  t.strictSame(bound({ mysqld: { bind_address: 'node1.my.cluster' } }), ['node1.my.cluster']);
  t.strictSame(bound({ mysqld: { 'bind-address': '192.0.2.1, ::1,,*' } }), ['192.0.2.1', '::1']);
  for (const any of ['*', '0.0.0.0', '::', '[::]', '::0', ''])
    t.strictSame(bound({ mysqld: { 'bind-address': any } }), [], any);
  t.strictSame(bound({ server: ['--bind-address=a'], mysqld: { 'bind-address': 'b' } }), ['a']);
  t.strictSame(bound({ sst: { 'bind-address': 'b' } }), []);
  t.equal(resolve({ mysqld: { bind_address: 'a' } }).bindAddresses[0]?.source.kind, 'file');
});

t.test('a bad address is refused', async (t) => {
  const args = { ...serverArguments(), address: 'node1;reboot' };
  const settings = settingsOf({ direct: { datadir: '/d' }, sst: { tca: '/ca', tcert: '/c' } });
  t.throws(() => resolveConfig(args, settings), { code: 'ADDRESS_INVALID', exitStatus: 22 });
});

t.test('a joiner lets nobody in by neither certificate nor secret', async (t) => {
  const sst = { tca: '/ca', tcert: '/c', 'ssl-mode': 'REQUIRED', 'allow-donor-without-secret': '1' };
  const given = { sst, server: ['--datadir=/data'] };
  t.throws(() => resolveConfig(serverArguments(given), settingsOf(given)), {
    code: 'OPTION_INVALID',
    where: '/etc/my.cnf:5',
    message: /ssl-mode=REQUIRED at \/etc\/my.cnf:4/,
    hint: /remove allow-donor-without-secret/,
  });
  t.doesNotThrow(() => resolveConfig({ ...serverArguments(given), role: 'donor' }, settingsOf(given)));
});
