import { execFileSync } from 'node:child_process';
import t from 'tap';
import type { OptionEntry } from '../../src/option-files/entry.js';
import {
  formatAsPrintDefaults,
  groupSuffixOf,
  lookup,
  needsServerVersion,
  selectGroups,
  serverGroups,
} from '../../src/option-files/select.js';

const entry = (group: string, name: string, value?: string): OptionEntry => ({
  group,
  name,
  value,
  file: '/etc/mysql/my.cnf',
  line: 1,
});

t.test('the groups of a server are those that mariadbd lists', (t) => {
  const env = { ...process.env, LC_ALL: 'C' };
  const version = /Ver ([^ ]+)/.exec(
    execFileSync('mariadbd', ['--no-defaults', '--version'], { encoding: 'utf8', env }),
  );
  const help = execFileSync('mariadbd', ['--no-defaults', '--help', '--verbose', '--user=mysql'], {
    encoding: 'utf8',
    env,
    maxBuffer: 2 ** 24,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const listed = /^The following groups are read: (.*)$/m.exec(help)?.[1]?.split(' ') ?? [];
  t.strictSame([...serverGroups(version?.[1])].sort(), listed.sort());
  t.end();
});

t.test('without a version the groups of one version are left out', (t) => {
  t.strictSame(serverGroups(), ['mysqld', 'server', 'mariadb', 'mariadbd', 'client-server', 'galera']);
  t.end();
});

t.test('the version is needed only when a group of one version is there', (t) => {
  t.notOk(needsServerVersion([entry('mysqld', 'a'), entry('mysqld_safe', 'a'), entry('server-10.11', 'a')]));
  for (const group of ['mysqld-10.11', 'MariaDB-11.8', 'mariadbd-10.11_a']) {
    t.ok(needsServerVersion([entry(group, 'a')]), group);
  }
  t.end();
});

t.test('groups and suffixed groups are selected in the order of the files, whatever their case', (t) => {
  const entries = [
    entry('sst_a', 'a'),
    entry('mysqld', 'b'),
    entry('SST', 'c'),
    entry('sst_b', 'd'),
    entry('sst_A', 'e'),
  ];
  const names = (suffix?: string) => selectGroups(entries, ['Sst'], suffix).map(({ name }) => name);
  t.strictSame(names(), ['c']);
  t.strictSame(names('_a'), ['a', 'c', 'e']);
  t.end();
});

t.test('the suffix of the environment is MariaDB’s before MySQL’s', (t) => {
  t.equal(groupSuffixOf({ MARIADB_GROUP_SUFFIX: '1', MYSQL_GROUP_SUFFIX: '2' }), '1');
  t.equal(groupSuffixOf({ MYSQL_GROUP_SUFFIX: '2' }), '2');
  t.equal(groupSuffixOf({}), undefined);
  t.end();
});

t.test('the last entry of an option counts, in every spelling', (t) => {
  const entries = [
    entry('sst', 'ssl-ca', '1'),
    entry('sst', 'ssl_ca', '2'),
    entry('sst', 'loose_ssl_cert', '3'),
    entry('sst', 'SSL-CA', '4'),
    entry('sst', 'skip-ssl-ca', '5'),
    entry('sst', '--ssl-ca', '6'),
  ];
  t.equal(lookup(entries, 'ssl-ca')?.value, '2');
  t.equal(lookup(entries, 'ssl_ca')?.value, '2');
  t.equal(lookup(entries, 'ssl_cert')?.value, '3');
  t.equal(lookup(entries, 'loose-ssl-cert')?.value, '3');
  t.equal(lookup(entries, 'ssl'), undefined);
  t.end();
});

t.test('an option without a value is printed without an equals sign', (t) => {
  const entries = [entry('sst', 'a'), entry('sst', 'b', ''), entry('sst', 'c', "x 'y'")];
  t.strictSame(formatAsPrintDefaults(entries), ['--a', '--b=', "--c=x 'y'"]);
  t.end();
});
