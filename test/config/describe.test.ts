import { availableParallelism } from 'node:os';
import t from 'tap';
import { resolveConfig } from '../../src/config/config.js';
import { describeSettings } from '../../src/config/describe.js';
import { serverArguments, settingsOf, type Given } from './given.js';

function describe(role: 'joiner' | 'donor', given: Given): string[] {
  const settings = settingsOf({ direct: { datadir: '/data' }, ...given });
  return describeSettings(resolveConfig({ ...serverArguments(given), role }, settings)).map((line) =>
    line.replace(/ +# /, ' # '),
  );
}

const usual = { tca: '/ca', tcert: '/c' };

t.test('what is not set is shown with its default', async (t) => {
  t.strictSame(describe('joiner', { sst: usual }), [
    'ssl-mode=VERIFY_IDENTITY # default',
    'tcert=/c # /etc/my.cnf:3',
    'tca=/ca # /etc/my.cnf:2',
    'allow-donor-without-secret=OFF # default',
    'verify=size # default',
    'page-cache=drop # default',
    'sst-initial-timeout=300 # default',
    'ktls=OFF # default',
    'sst-idle-timeout=120 # default',
    'sst-overall-timeout=0 # default',
  ]);
  t.strictSame(describe('donor', { sst: usual }).slice(3), [
    'precopy=auto # default',
    'compressor=auto # default',
    `backup-threads=${Math.min(availableParallelism(), 8)} # default`,
    'sst-max-binlogs=1 # default',
    'rlimit=0 # default',
    'sst-connect-timeout=10 # default',
    'ktls=OFF # default',
    'sst-idle-timeout=120 # default',
    'sst-overall-timeout=0 # default',
  ]);
});

t.test('everything that is set is shown with file and line', async (t) => {
  const sst = {
    ...usual,
    tkey: '/k',
    tcap: '/cas',
    sockopt: ',cipher=ALL',
    tmpdir: '/tmp',
    allow_donor_without_secret: 'yes',
    'sst-initial-timeout': '7',
    'ssl-mode': 'verify_ca',
    rlimit: '1m',
    verify: 'CHECKSUM',
    ktls: 'yes',
  };
  const mysqld = { 'sst-idle-timeout': '9', 'backup-threads': '3', 'loose-sst-max-binlogs': '-1' };
  t.strictSame(describe('joiner', { sst, mysqld }), [
    'ssl-mode=VERIFY_CA # /etc/my.cnf:10',
    'tcert=/c # /etc/my.cnf:3',
    'tkey=/k # /etc/my.cnf:4',
    'tca=/ca # /etc/my.cnf:2',
    'tcap=/cas # /etc/my.cnf:5',
    'sockopt=",cipher=ALL" # /etc/my.cnf:6',
    'tmpdir=/tmp # /etc/my.cnf:7',
    'allow-donor-without-secret=ON # /etc/my.cnf:8',
    'verify=checksum # /etc/my.cnf:12',
    'page-cache=drop # default',
    'sst-initial-timeout=7 # /etc/my.cnf:9',
    'ktls=ON # /etc/my.cnf:13',
    'sst-idle-timeout=9 # /etc/my.cnf:102',
    'sst-overall-timeout=0 # default',
  ]);
  t.strictSame(describe('donor', { sst, mysqld }).slice(-7), [
    'backup-threads=3 # /etc/my.cnf:103',
    'sst-max-binlogs=-1 # /etc/my.cnf:104',
    'rlimit=1048576 # /etc/my.cnf:11',
    'sst-connect-timeout=10 # default',
    'ktls=ON # /etc/my.cnf:13',
    'sst-idle-timeout=9 # /etc/my.cnf:102',
    'sst-overall-timeout=0 # default',
  ]);
});

t.test('an option that stands in for another is named', async (t) => {
  const given = {
    server: ['--ssl-cert=/server.crt'],
    mysqld: { loose_ssl_key: '/server.key', 'ssl-server-ca': '/ca' },
    sst: { sockopt: 'verify=0' },
  };
  t.match(describe('joiner', given), [
    'ssl-mode=REQUIRED # sockopt at /etc/my.cnf:2',
    'tcert=/server.crt # --ssl-cert at command line',
    'tkey=/server.key # loose_ssl_key at /etc/my.cnf:102',
    'tca=/ca # ssl-server-ca at /etc/my.cnf:103',
  ]);
});

t.test('values that the option file would read otherwise are quoted', async (t) => {
  const lines = describe('joiner', { sst: { tca: '/a#b', tcert: '/a;b', tkey: ' /with space' } });
  t.match(
    lines,
    ['', 'tcert="/a;b" #', 'tkey=" /with space" #', 'tca="/a#b" #'].map((text) => new RegExp(`^${text}`)),
  );
});
