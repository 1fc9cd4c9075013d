import t from 'tap';
import { describeFailure } from '../../src/errors.js';
import { peersOptions, sstOptions } from '../../src/config/sst-options.js';
import { findUnknownOptions, nearestOption } from '../../src/config/unknown-options.js';
import { settingsOf, type Options } from './given.js';

const warningsFor = (sst: Options): string[] =>
  findUnknownOptions(settingsOf({ sst }).sst).map(
    (finding) => `${finding.severity} ${finding.code}: ${describeFailure(finding)}`,
  );

t.test('a misspelt option is warned of with its place and the one that was probably meant', async (t) => {
  t.strictSame(warningsFor({ tca: '/ca', tcrt: '/c', 'sst-max-binlog': '2' }), [
    'warning OPTION_UNKNOWN: [sst] has "tcrt", which is no option of this method: the line has no effect (tcrt at /etc/my.cnf:3) HINT: was tcert meant? Otherwise remove the line; man 5 galera-sst-tunnel lists the options',
    'warning OPTION_UNKNOWN: [sst] has "sst-max-binlog", which is no option of this method: the line has no effect (sst-max-binlog at /etc/my.cnf:4) HINT: was sst-max-binlogs meant? Otherwise remove the line; man 5 galera-sst-tunnel lists the options',
  ]);
});

t.test('one that resembles nothing is warned of as well', async (t) => {
  t.match(warningsFor({ colour: 'red' }), [
    /^warning OPTION_UNKNOWN: \[sst\] has "colour".* HINT: remove the line/,
  ]);
});

t.test('options of this method and of its peers are known, in every spelling', async (t) => {
  for (const name of [...sstOptions, ...peersOptions]) {
    t.strictSame(
      warningsFor({ [name]: 'x', [name.replaceAll('-', '_')]: 'x', [`loose_${name}`]: 'x' }),
      [],
      name,
    );
  }
});

t.test('the nearest option', async (t) => {
  const meant = {
    tcrt: 'tcert',
    tcrets: undefined,
    tcer: 'tcert',
    TCERT: 'tcert',
    tkye: 'tkey',
    tcapath: 'tcap',
    ssl_mod: 'ssl-mode',
    'ssl-client-certificate': 'ssl-client-cert',
    backup_thread: 'backup-threads',
    'sst-max-binlog': 'sst-max-binlogs',
    'sst-initial-time-out': 'sst-initial-timeout',
    'allow-donors-without-secrets': 'allow-donor-without-secret',
    sokopt: 'sockopt',
    progres: 'progress',
    'inno-backup-opt': 'inno-backup-opts',
    'wsrep-sst-method': undefined,
    x: undefined,
    '': undefined,
  };
  for (const [name, option] of Object.entries(meant)) t.equal(nearestOption(name), option, name);
});
