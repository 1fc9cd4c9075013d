import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { changeMaster, crlLines, optionLines } from '../../src/certificates/option-lines.js';
import { readOptionFiles } from '../../src/option-files/read.js';
import { lookup, selectGroups } from '../../src/option-files/select.js';

const files = { name: 'node1.my.cluster', ca: '/ssl/ca.crt', cert: '/ssl/n.crt', key: '/ssl/n.key' };

t.test('the lines can be pasted into an option file as they are', async (t) => {
  const file = join(t.testdir(), 'my.cnf');
  const lines = optionLines(files).filter((line) => !line.startsWith('CHANGE MASTER'));
  writeFileSync(file, [...lines, '', ...crlLines('/ssl/crl.pem')].join('\n'));
  const { entries, warnings } = readOptionFiles({
    defaultsFile: file,
    noDefaults: false,
    env: {},
    directory: '/',
  });
  t.strictSame(warnings, []);
  const valueOf = (group: string, name: string): string | undefined =>
    lookup(selectGroups(entries, [group]), name)?.value;
  t.strictSame(
    [
      ['sst', 'tca'],
      ['sst', 'tcert'],
      ['sst', 'tkey'],
      ['mysqld', 'ssl-ca'],
      ['client', 'ssl-ca'],
      // Over the socket clients with these are refused.
      ['client', 'ssl-key'],
      ['client', 'ssl-verify-server-cert'],
    ].map(([group = '', name = '']) => valueOf(group, name)),
    ['/ssl/ca.crt', '/ssl/n.crt', '/ssl/n.key', '/ssl/ca.crt', '/ssl/ca.crt', undefined, undefined],
  );
  t.strictSame([valueOf('sst', 'ssl-crl'), valueOf('mysqld', 'ssl-crl')], ['/ssl/crl.pem', '/ssl/crl.pem']);
});

t.test('the statement verifies the primary, and names what there is', async (t) => {
  const cases = [
    [
      { host: 'db1', ca: '/ca', cert: '/c', key: '/k', crl: '/crl' },
      "CHANGE MASTER TO MASTER_HOST='db1', MASTER_SSL=1, MASTER_SSL_CA='/ca', MASTER_SSL_CERT='/c', MASTER_SSL_KEY='/k', MASTER_SSL_CRL='/crl', MASTER_SSL_VERIFY_SERVER_CERT=1;",
    ],
    [
      { host: '10.0.0.1', port: 3307, ca: '/ca' },
      "CHANGE MASTER TO MASTER_HOST='10.0.0.1', MASTER_PORT=3307, MASTER_SSL=1, MASTER_SSL_CA='/ca', MASTER_SSL_VERIFY_SERVER_CERT=1;",
    ],
    [
      { host: 'db1', port: 3306, ca: "/it's\\here" },
      "CHANGE MASTER TO MASTER_HOST='db1', MASTER_SSL=1, MASTER_SSL_CA='/it\\'s\\\\here', MASTER_SSL_VERIFY_SERVER_CERT=1;",
    ],
  ] as const;
  for (const [given, statement] of cases) t.equal(changeMaster(given), statement);
});
