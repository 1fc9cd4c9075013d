import t from 'tap';
import { parseOptions } from './options.js';

t.match(
  parseOptions([]),
  { scenario: 'main', sizeMiB: 4096, runs: 3, writer: true, keepJoinerData: false, table: undefined },
  'the default is the full-size main scenario',
);
t.match(
  parseOptions('--scenario ist --runs 5 --methods rsync,original --writer off --joiner-data kept'.split(' ')),
  { sizeMiB: 64, runs: 5, methods: ['rsync', 'original'], writer: false, keepJoinerData: true },
  'an IST needs little data',
);
t.equal(parseOptions(['--scenario', 'files']).sizeMiB, 64, 'so does counting files');
t.equal(parseOptions(['--size', '512M']).sizeMiB, 512);
t.strictSame(
  parseOptions(['--with', 'verify=checksum', '--with', 'backup-threads=1;precopy=off']).variants,
  [{ verify: 'checksum' }, { 'backup-threads': '1', precopy: 'off' }],
  'each --with is a variant of its own',
);
t.equal(parseOptions(['--scenario', 'start']).runs, 21);

const wrong: { argv: string[]; message: RegExp }[] = [
  { argv: ['--size', '4'], message: /--size: expected .* got '4'/ },
  { argv: ['--runs', '0'], message: /--runs: expected a number from 1 up/ },
  { argv: ['--methods', 'rsync,'], message: /--methods: expected .* got ''/ },
  { argv: ['--scenario', 'all'], message: /--scenario: expected main, .* got 'all'/ },
  { argv: ['--with', 'verify'], message: /--with: expected .* got 'verify'/ },
  { argv: ['--fast'], message: /Unknown option '--fast'/ },
];
for (const { argv, message } of wrong) t.throws(() => parseOptions(argv), { message }, argv.join(' '));
