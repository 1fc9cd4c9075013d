import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { fileURLToPath } from 'node:url';
import { setTimeout as wait } from 'node:timers/promises';
import { capture, Lab, portsWithData, searchCapture, type LabNode } from '../lab/index.js';
import { readFacts } from '../../src/certificates/facts.js';
import { boot } from './tunnel.js';

t.setTimeout(300_000);

const program = fileURLToPath(new URL('../../../dist/bin/galera-sst-tunnel.js', import.meta.url));

t.test(
  'a replica verifies its primary with certificates from certs, and nothing is in clear text',
  async (t) => {
    const lab = await Lab.create({ nodes: 2 });
    t.teardown(() => lab.destroy());
    const [primary, replica] = [lab.node(1), lab.node(2)];
    const dir = lab.directory('certificates');
    const certs = (...args: string[]): Promise<string> =>
      primary.exec([process.execPath, program, 'certs', ...args, '--dir', dir]);
    await certs('init-ca');
    const printed = await certs('issue', primary.host);
    await certs('issue', replica.host);
    const tls = (node: LabNode) => ({
      ssl_ca: join(dir, 'ca.crt'),
      ssl_cert: join(dir, `${node.host}.crt`),
      ssl_key: join(dir, `${node.host}.key`),
    });
    const log = { log_bin: 'binlog', log_slave_updates: 'ON', bind_address: '0.0.0.0' };
    // two clusters of one node each
    await boot(primary, { peers: [primary.address], groups: { mysqld: { ...tls(primary), ...log } } });
    await boot(replica, { peers: [replica.address], groups: { mysqld: { ...tls(replica), ...log } } });
    await primary.sql(
      "CREATE USER copy@'%' IDENTIFIED BY 'x' REQUIRE X509; GRANT REPLICATION SLAVE ON *.* TO copy@'%';",
    );
    const [position] = await primary.query('SHOW MASTER STATUS');

    const statement =
      /^CHANGE MASTER TO .*;$/m.exec(printed)?.[0].replaceAll(`${primary.host}.`, `${replica.host}.`) ?? '';
    const account = `MASTER_USER='copy', MASTER_PASSWORD='x', MASTER_LOG_FILE='${position?.['File'] ?? ''}', MASTER_LOG_POS=${position?.['Position'] ?? ''}`;
    const wire = await capture(replica, { filter: 'tcp port 3306' });
    await replica.sql(`${statement.replace(/;$/, '')}, ${account}; START SLAVE;`);
    await primary.sql(
      "CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY, x TEXT); INSERT INTO shop.t VALUES (1, 'a text that must not be seen');",
    );
    const deadline = Date.now() + 60_000;
    for (;;) {
      const [row] = await replica.query('SELECT x FROM shop.t').catch(() => []);
      if (row !== undefined) break;
      const [status] = await replica.query('SHOW SLAVE STATUS');
      const trouble = `${status?.['Last_IO_Error'] ?? ''}${status?.['Last_SQL_Error'] ?? ''}`;
      if (trouble !== '' || Date.now() > deadline) throw new Error(`no replication: ${trouble}`);
      await wait(200);
    }
    const [status] = await replica.query('SHOW SLAVE STATUS');
    t.match(status, {
      Master_SSL_Allowed: 'Yes',
      Master_SSL_Verify_Server_Cert: 'Yes',
      Slave_IO_Running: 'Yes',
    });
    const file = await wire.stop();
    t.ok((portsWithData(file).get(3306) ?? 0) > 1000, 'the capture holds what was replicated');
    t.strictSame(searchCapture(file, ['a text that must not be seen', 'INSERT', 'CREATE TABLE']), []);

    await t.test('a renewed certificate is what a running server shows after FLUSH SSL', async (t) => {
      const shown = async (): Promise<string> => {
        const show = ['certs', 'show', `${primary.host}:3306`, '--json'];
        const { certificates } = JSON.parse(await replica.exec([process.execPath, program, ...show])) as {
          certificates: readonly { readonly serial: string }[];
        };
        return certificates[0]?.serial ?? '';
      };
      const inFile = (): string => readFacts(readFileSync(tls(primary).ssl_cert)).x509.serialNumber;
      const before = inFile();
      t.equal(await shown(), before);
      await certs('renew', primary.host, '--new-key');
      t.not(inFile(), before);
      t.equal(await shown(), before, 'nothing has changed for the server');
      await primary.sql('FLUSH SSL');
      t.equal(await shown(), inFile());
      await replica.sql('STOP SLAVE; START SLAVE;');
      await primary.sql("INSERT INTO shop.t VALUES (2, 'after the renewal')");
      const end = Date.now() + 60_000;
      let rows: readonly unknown[] = [];
      while (rows.length === 0 && Date.now() < end) {
        rows = await replica.query('SELECT x FROM shop.t WHERE id = 2');
        if (rows.length === 0) await wait(200);
      }
      t.equal(rows.length, 1, 'and the replica connects again');
    });

    await t.test(
      'by a name that the certificate is not for it does not start, and check says why',
      async (t) => {
        await replica.sql(`STOP SLAVE; CHANGE MASTER TO MASTER_HOST='${primary.ipv4}'; START SLAVE;`);
        let said = '';
        const end = Date.now() + 60_000;
        while (said === '' && Date.now() < end) {
          said = (await replica.query('SHOW SLAVE STATUS'))[0]?.['Last_IO_Error'] ?? '';
          await wait(200);
        }
        t.match(said, /SSL|TLS|certificate/i, 'the replica refuses');
        const check = ['check', `--defaults-file=${replica.optionFile}`, '--replication-from', primary.ipv4];
        await t.rejects(replica.exec([process.execPath, program, ...check]), /exit 2/);
      },
    );
  },
);
