import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { checkInstallation } from '../../src/check/installation.js';
import { settingsOf, type Options } from '../config/given.js';

/** A host whose server says that it has this version. */
async function lookAt(t: Test, version: string, mysqld: Options): Promise<readonly string[]> {
  const bin = join(t.testdir(), 'bin');
  mkdirSync(bin);
  for (const name of ['mariadbd', 'wsrep_sst_rsync_tunnel']) {
    writeFileSync(join(bin, name), `#!/bin/sh\necho 'mariadbd  Ver ${version} for Linux on x86_64'\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const before = process.env['PATH'];
  process.env['PATH'] = bin;
  t.teardown(() => (process.env['PATH'] = before));
  const { facts, findings } = await checkInstallation(settingsOf({ mysqld }));
  return [facts[0] ?? '', ...findings.map(({ severity, option }) => `${severity} ${option ?? ''}`)];
}

const method = { wsrep_sst_method: 'rsync_tunnel' };

const cases: readonly { name: string; version: string; mysqld: Options; says: readonly string[] }[] = [
  {
    name: '10.11 needs no account',
    version: '10.11.19-MariaDB',
    mysqld: method,
    says: ['MariaDB 10.11.19-MariaDB'],
  },
  {
    name: '11.4 makes one with all privileges if it is given none',
    version: '11.4.2-MariaDB',
    mysqld: method,
    says: ['MariaDB 11.4.2-MariaDB', 'warning wsrep_sst_auth'],
  },
  {
    name: '11.8 with an account that is not used',
    version: '11.8.6-MariaDB',
    mysqld: { ...method, wsrep_sst_auth: 'unused:unused' },
    says: ['MariaDB 11.8.6-MariaDB'],
  },
  {
    name: 'another method',
    version: '10.11.19-MariaDB',
    mysqld: { wsrep_sst_method: 'rsync' },
    says: ['MariaDB 10.11.19-MariaDB', 'warning wsrep_sst_method'],
  },
];

for (const { name, version, mysqld, says } of cases) {
  t.test(name, async (t) => t.strictSame(await lookAt(t, version, mysqld), says));
}
