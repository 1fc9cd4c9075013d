import fc from 'fast-check';
import t from 'tap';
import { find, readServerArguments } from '../../src/config/settings.js';
import type { Sourced } from '../../src/config/source.js';
import { settingsOf } from './given.js';

const commandLines = [
  { argv: [], found: [] },
  { argv: ['--datadir=/a'], found: [['datadir', '/a']] },
  { argv: ['--datadir', '/a'], found: [['datadir', '/a']] },
  { argv: ['--innodb_undo_directory=/u'], found: [['innodb-undo-directory', '/u']] },
  { argv: ['--loose-aria_log_dir_path=/l'], found: [['aria-log-dir-path', '/l']] },
  { argv: ['--loose_aria-log-dir-path', '/l'], found: [['aria-log-dir-path', '/l']] },
  { argv: ['--log-bin'], found: [['log-bin', undefined]] },
  {
    argv: ['--log-bin', '--datadir=/a'],
    found: [
      ['log-bin', undefined],
      ['datadir', '/a'],
    ],
  },
  { argv: ['--log-bin', ''], found: [['log-bin', undefined]] },
  { argv: ['--log-bin='], found: [['log-bin', '']] },
  { argv: ['--datadir=/a', '--datadir=/b'], found: [['datadir', '/b']] },
  { argv: ['--log-bin=x', '--log-bin'], found: [['log-bin', undefined]] },
  {
    argv: ['--wsrep_provider_options=gcache.size=1G;a=b'],
    found: [['wsrep-provider-options', 'gcache.size=1G;a=b']],
  },
  {
    argv: ['--datadir=/with space/', '--a=line\nbreak'],
    found: [
      ['datadir', '/with space/'],
      ['a', 'line\nbreak'],
    ],
  },
  { argv: ['-h', '/a', 'stray', '--', '--=x'], found: [] },
  {
    argv: ['--__proto__=x', '--constructor'],
    found: [
      ['--proto--', 'x'],
      ['constructor', undefined],
    ],
  },
] as const;

t.test('a server command line is read as the server reads it', async (t) => {
  for (const { argv, found } of commandLines) {
    t.strictSame([...readServerArguments(argv)], found, JSON.stringify(argv));
  }
});

t.test('the first scope that has an option wins, and the value knows where it stands', async (t) => {
  const settings = settingsOf({
    direct: { datadir: '/direct' },
    server: ['--datadir=/server', '--log-bin'],
    sst: { 'ssl-ca': '/sst', tmpdir: '/tmp' },
    mysqld: { 'ssl-ca': '/mysqld', loose_log_bin: 'bin', 'skip-networking': undefined },
  });
  const cases: [Sourced<string> | undefined, string | undefined, string | undefined][] = [
    [find(settings, 'datadir', ['direct', 'server arguments']), '/direct', '--datadir'],
    [find(settings, 'datadir', ['server arguments', '[mysqld]']), '/server', '--datadir'],
    [find(settings, 'ssl-ca', ['[mysqld]', '[sst]']), '/mysqld', '/etc/my.cnf:102'],
    [find(settings, 'ssl-ca', ['[sst]', '[mysqld]']), '/sst', '/etc/my.cnf:2'],
    [find(settings, 'ssl-ca', ['[sst]']), '/sst', '/etc/my.cnf:2'],
    [find(settings, 'tmpdir', ['direct', 'server arguments', '[mysqld]', '[sst]']), '/tmp', '/etc/my.cnf:3'],
    [find(settings, 'tmpdir', ['direct', 'server arguments', '[mysqld]']), undefined, undefined],
    [find(settings, 'log-bin', ['server arguments', '[mysqld]']), '', '--log-bin'],
    [find(settings, 'log-bin', ['[mysqld]']), 'bin', '/etc/my.cnf:103'],
    [find(settings, 'skip-networking', ['[mysqld]']), '', '/etc/my.cnf:104'],
    [find(settings, 'datadir', []), undefined, undefined],
  ];
  for (const [index, [found, value, place]] of cases.entries()) {
    const source = found?.source;
    t.equal(found?.value, value, `case ${index}`);
    t.equal(source?.kind === 'file' ? `${source.file}:${source.line}` : source?.name, place);
  }
});

t.test('no command line makes the reading fail', async () => {
  const word = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string().map((text) => `--${text}`),
  );
  fc.assert(
    fc.property(fc.array(word), (argv) => {
      for (const [name, value] of readServerArguments(argv)) {
        if (name.includes('_') || !(value === undefined || typeof value === 'string')) return false;
      }
      return true;
    }),
    { numRuns: 300 },
  );
});
