import { execFileSync } from 'node:child_process';
import { rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readAnswers, serverCommand, startServer } from '../../src/check/start-server.js';
import { settingsOf } from '../config/given.js';

t.test(
  'the server is given what decides whether it can read the files, and nothing that is in use',
  async (t) => {
    const settings = settingsOf({
      mysqld: {
        innodb_page_size: '32k',
        datadir: '/var/lib/mysql',
        log_bin: '/var/log/mysql/binlog',
        log_error: '/var/log/mysql/error.log',
        port: '3306',
        socket: '/run/mysqld/mysqld.sock',
        innodb_log_group_home_dir: '/redo',
        innodb_buffer_pool_size: '64G',
        plugin_load_add: 'file_key_management',
        file_key_management_filename: '/etc/mysql/keys',
        innodb_data_file_path: 'ibdata1:12M;ibdata2:12M:autoextend',
        wsrep_on: 'ON',
        innodb_encrypt_log: undefined,
      },
      server: ['--lower-case-table-names=1', '--init-file=/x'],
    });
    const { args, cwd, program } = serverCommand(
      { dataDir: '/s/data', questions: '/s/questions.sql', uid: 106 },
      settings,
    );
    t.strictSame([program, cwd], ['mariadbd', '/s/data']);
    t.strictSame(args, [
      '--no-defaults',
      '--innodb-page-size=32k',
      '--plugin-load-add=file_key_management',
      '--file-key-management-filename=/etc/mysql/keys',
      '--innodb-encrypt-log',
      '--lower-case-table-names=1',
      '--innodb-data-file-path=ibdata1:12M;ibdata2:12M:autoextend',
      '--datadir=/s/data',
      '--skip-networking',
      '--socket=rehearsal.sock',
      '--pid-file=rehearsal.pid',
      '--wsrep-provider=none',
      '--skip-slave-start',
      '--event-scheduler=OFF',
      '--innodb-buffer-pool-size=128M',
      '--innodb-buffer-pool-load-at-startup=OFF',
      '--secure-file-priv=',
      '--init-file=/s/questions.sql',
    ]);
  },
);

t.test('what the server found is read, and tables that it cannot open are named', async (t) => {
  const good = '10.11.19-MariaDB\t\t\t\nmysql\tuser\t\tUsers and privileges\nshop\ta\t\t\n';
  t.strictSame(readAnswers(good), { version: '10.11.19-MariaDB', tables: 2 });
  t.throws(() => readAnswers(`${good}shop\tb\tbroken\tTablespace is missing for a table\n`), {
    code: 'COPY_INCOMPLETE',
    message: /cannot open 1 of 3 tables: shop.b \(Tablespace is missing for a table\)$/,
  });
});

t.test('a real server starts on a copy and ends again, or says which table is broken', async (t) => {
  const work = t.testdir({ data: {} });
  const dataDir = join(work, 'data');
  const given = { id: 'a-test', emit: () => undefined, signal: new AbortController().signal };
  const install = [
    '--no-defaults',
    `--datadir=${dataDir}`,
    '--skip-test-db',
    '--auth-root-authentication-method=normal',
  ];
  execFileSync('mariadb-install-db', install, { stdio: 'ignore' });
  const settings = settingsOf({});
  t.match(await startServer({ dataDir, work }, settings, given), { version: /MariaDB/, tables: Number });
  rmSync(join(work, 'answers'));
  truncateSync(join(dataDir, 'mysql/help_topic.MAI'), 0);
  await t.rejects(startServer({ dataDir, work }, settings, given), {
    code: 'COPY_INCOMPLETE',
    message: /cannot open 1 of \d+ tables: mysql.help_topic \(/,
  });
  rmSync(join(work, 'answers'));
  truncateSync(join(dataDir, 'mysql/db.MAI'), 0);
  await t.rejects(startServer({ dataDir, work }, settings, given), {
    code: 'CHILD_FAILED',
    message: /^server: mariadbd exited with status 1: [^;]*\[ERROR\] [^;]*privilege tables/,
  });
  await t.rejects(startServer({ dataDir: join(work, 'nowhere'), work }, settings, given), {
    code: 'CHILD_FAILED',
  });
});
