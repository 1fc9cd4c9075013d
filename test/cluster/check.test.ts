import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import t from 'tap';
import { Lab, type LabNode } from '../lab/index.js';
import { Authority } from './credentials.js';
import { boot } from './tunnel.js';

t.setTimeout(300_000);

const program = fileURLToPath(new URL('../../../dist/bin/galera-sst-tunnel.js', import.meta.url));

interface Answer {
  code: number | null;
  text: string;
}

/** Runs `check` where a node lives. */
function check(node: LabNode, optionFile: string, ...args: string[]): Answer {
  const argv = node.wrap([process.execPath, program, 'check', `--defaults-file=${optionFile}`, ...args]);
  const { status, stdout, stderr } = spawnSync(argv[0]!, argv.slice(1), {
    encoding: 'utf8',
    env: node.environment(),
  });
  return { code: status, text: stdout + stderr };
}

t.test('a replica’s view of its primary', async (t) => {
  const lab = await Lab.create({ nodes: 2 });
  t.teardown(() => lab.destroy());
  const [primary, replica] = [lab.node(1), lab.node(2)];
  const authority = await Authority.create(lab.directory('certificates'));
  const stranger = await Authority.create(lab.directory('others'), { name: 'other CA' });
  const server = await authority.certifyNode(primary);
  const future = await authority.certify('future', {
    commonName: primary.host,
    notBefore: new Date(Date.now() + 3_600_000),
    notAfter: new Date(Date.now() + 86_400_000),
  });
  const mine = await authority.certifyNode(replica);
  const optionFile = join(lab.directory('replica'), 'my.cnf');
  const trusting = (ca: string): string =>
    `[mysqld]\ndatadir=/tmp\nserver_id=2\nssl_ca=${ca}\nssl_cert=${mine.cert}\nssl_key=${mine.key}\n`;
  writeFileSync(optionFile, trusting(authority.caFile));
  const tls = ({ ca, cert, key }: typeof server) => ({ ssl_ca: ca, ssl_cert: cert, ssl_key: key });
  await boot(primary, { groups: { mysqld: { ...tls(server), log_bin: 'binlog', bind_address: '0.0.0.0' } } });
  await primary.sql("CREATE USER remote@'%' REQUIRE SSL; GRANT ALL ON *.* TO remote@'%';");

  await t.test('by the name that the certificate is for', async (t) => {
    const { code, text } = check(replica, optionFile, '--replication-from', primary.host);
    t.equal(code, 0, text);
    t.match(text, /ok +REQUIRED .*MariaDB.*TLSv1.3/);
    t.match(text, /ok +VERIFY_IDENTITY/);
    const statement = /CHANGE MASTER TO .*;/.exec(text)?.[0] ?? '';
    t.match(
      statement,
      /MASTER_HOST='node1.my.cluster', MASTER_SSL=1, MASTER_SSL_CA='.*MASTER_SSL_VERIFY_SERVER_CERT=1/,
    );
    const login = [
      'mariadb',
      '--no-defaults',
      '-uremote',
      '--ssl-verify-server-cert',
      `--ssl-ca=${authority.caFile}`,
    ];
    t.match(await replica.exec([...login, '-h', primary.host, '-e', 'SELECT 1']), /1/, 'the client agrees');
  });
  await t.test('by its address: MASTER_HOST is not what the certificate is for', async (t) => {
    const { code, text } = check(replica, optionFile, '--replication-from', `${primary.ipv4}:3306`);
    t.equal(code, 2);
    t.match(text, /ok +VERIFY_CA/);
    t.match(text, /error +VERIFY_IDENTITY/);
    t.match(text, /HINT: use MASTER_HOST='node1.my.cluster'/);
    const login = [
      'mariadb',
      '--no-defaults',
      '-uremote',
      '--ssl-verify-server-cert',
      `--ssl-ca=${authority.caFile}`,
    ];
    await t.rejects(
      replica.exec([...login, '-h', primary.ipv4, '-e', 'SELECT 1']),
      /TLS|SSL/,
      'the client agrees',
    );
  });
  await t.test('with another CA', async (t) => {
    writeFileSync(optionFile, trusting(stranger.caFile));
    const { code, text } = check(replica, optionFile, '--replication-from', primary.host);
    t.equal(code, 2);
    t.match(text, /ok +REQUIRED/);
    t.match(text, /error +VERIFY_CA/);
    t.match(text, /CERTIFICATE_UNTRUSTED/);
    writeFileSync(optionFile, trusting(authority.caFile));
  });
  await t.test('with a clock that is behind', async (t) => {
    await primary.stop();
    await boot(primary, {
      groups: { mysqld: { ...tls(future), log_bin: 'binlog', bind_address: '0.0.0.0' } },
    });
    const { code, text } = check(replica, optionFile, '--replication-from', primary.host);
    t.equal(code, 2);
    t.match(text, /CERTIFICATE_NOT_YET_VALID: .* 59 minutes .*after this host's clock/);
    t.match(text, /HINT: the clocks differ .*"before date in the future"/);
    const login = [
      'mariadb',
      '--no-defaults',
      '-uremote',
      '--ssl-verify-server-cert',
      `--ssl-ca=${authority.caFile}`,
    ];
    await t.rejects(
      replica.exec([...login, '-h', primary.host, '-e', 'SELECT 1']),
      /not yet valid|before date|certificate/i,
      'the client agrees',
    );
  });
  await t.test('without TLS, and without a server', async (t) => {
    await primary.stop();
    const nothing = check(replica, optionFile, '--replication-from', primary.host);
    t.equal(nothing.code, 2);
    t.match(nothing.text, /PEER_UNREACHABLE/);
    await boot(primary, { groups: { mysqld: { skip_ssl: true, bind_address: '0.0.0.0' } } });
    const { code, text } = check(replica, optionFile, '--replication-from', primary.host);
    t.equal(code, 2);
    t.match(text, /CLEAR_TEXT_REFUSED: .*offers no TLS/);
  });
});

t.test('a node’s view of a joiner that listens', async (t) => {
  const lab = await Lab.create({ nodes: 2 });
  t.teardown(() => lab.destroy());
  const [joiner, node] = [lab.node(1), lab.node(2)];
  const authority = await Authority.create(lab.directory('certificates'));
  const [theirs, mine] = [await authority.certifyNode(joiner), await authority.certifyNode(node)];
  const optionFile = join(lab.directory('node'), 'my.cnf');
  writeFileSync(
    optionFile,
    `[mysqld]\ndatadir=/tmp\n[sst]\ntca=${mine.ca}\ntcert=${mine.cert}\ntkey=${mine.key}\n`,
  );
  const tls = `cert=${theirs.cert},key=${theirs.key},cafile=${theirs.ca},verify=1`;
  const listener = joiner.spawn(
    [
      'socat',
      '-d',
      '-d',
      `OPENSSL-LISTEN:4444,reuseaddr,fork,${tls}`,
      'SYSTEM:echo @RSYNCD\\: 31.0; sleep 1',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  await new Promise((resolve) => listener.stderr?.once('data', resolve));

  const good = check(node, optionFile, '--peer', joiner.host);
  t.equal(good.code, 0, good.text);
  t.match(good.text, /ok +handshake +TLSv1.3/);
  t.match(good.text, /ok +what it says of this node +accepts CN=node2/);
  const wrong = check(node, optionFile, '--peer', `${joiner.ipv4}:4444`);
  t.equal(wrong.code, 2);
  t.match(wrong.text, /CERTIFICATE_NAME_MISMATCH: the joiner's address/);
  const closed = check(node, optionFile, '--peer', `${joiner.host}:4445`);
  t.equal(closed.code, 2);
  t.match(closed.text, /PEER_UNREACHABLE/);
});
