import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import t, { type Test } from 'tap';
import { fileURLToPath } from 'node:url';
import { Lab } from '../lab/index.js';
import { run } from '../lab/commands.js';
import { boot, joins, tunnelOptions } from './tunnel.js';

t.setTimeout(300_000);

const program = fileURLToPath(new URL('../../../dist/bin/galera-sst-tunnel.js', import.meta.url));
const certs = (...args: string[]): Promise<string> => run([process.execPath, program, 'certs', ...args]);

/** Debian's wget is built with GnuTLS. */
const isWithGnuTls = ((): boolean => {
  try {
    return execFileSync('sh', ['-c', 'ldd "$(command -v wget)"'], { stdio: 'pipe' }).includes('libgnutls');
  } catch {
    return false;
  }
})();

for (const keyType of ['rsa', 'ec']) {
  t.test(`certificates with ${keyType} keys are accepted by the programs that use them`, async (t) => {
    const lab = await Lab.create({ nodes: 2 });
    t.teardown(() => lab.destroy());
    const dir = lab.directory('certificates');
    const [primary, replica] = [lab.node(1), lab.node(2)];
    await certs('init-ca', '--dir', dir, '--key-type', keyType);
    const given = ['--dir', dir, '--key-type', keyType, '--san', '127.0.0.1'];
    for (const node of lab.nodes) await certs('issue', node.host, '--san', node.ipv4, ...given);
    const filesOf = (host: string) => ({
      ca: join(dir, 'ca.crt'),
      cert: join(dir, `${host}.crt`),
      key: join(dir, `${host}.key`),
    });
    const mine = filesOf(primary.host);

    await t.test('Node', async (t) => {
      const [ca, cert, key] = [mine.ca, mine.cert, mine.key].map((file) => readFileSync(file));
      const server = createServer({
        ca: ca!,
        cert: cert!,
        key: key!,
        requestCert: true,
        rejectUnauthorized: true,
      });
      server.on('secureConnection', (socket) => socket.end('hello'));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as { port: number };
      for (const servername of [primary.host, '127.0.0.1']) {
        const options = { port, host: '127.0.0.1', ca: ca!, cert: cert!, key: key! };
        const socket = connect(servername === '127.0.0.1' ? options : { ...options, servername });
        await once(socket, 'secureConnect');
        t.ok(socket.authorized, servername);
        socket.destroy();
      }
      server.close();
    });

    await t.test('openssl', async (t) => {
      for (const purpose of ['sslserver', 'sslclient']) {
        const verify = ['openssl', 'verify', '-x509_strict', '-purpose', purpose, '-CAfile', mine.ca];
        for (const name of [
          ['-verify_hostname', primary.host],
          ['-verify_ip', primary.ipv4],
        ])
          t.match(await run([...verify, ...name, mine.cert]), /: OK/, `${purpose} ${name.join(' ')}`);
      }
    });

    await t.test('a program with GnuTLS', { skip: !isWithGnuTls }, async (t) => {
      const options = {
        ca: readFileSync(mine.ca),
        cert: readFileSync(mine.cert),
        key: readFileSync(mine.key),
      };
      const server = createHttpsServer({ ...options, requestCert: true, rejectUnauthorized: true });
      server.on('request', (_, response) => response.end('hello'));
      t.teardown(() => server.close());
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as { port: number };
      const wget = ['wget', '-q', '-O', '-', '--no-config', '--no-proxy', `--ca-certificate=${mine.ca}`];
      const shown = [`--certificate=${mine.cert}`, `--private-key=${mine.key}`];
      t.equal(await run([...wget, ...shown, `https://127.0.0.1:${port}/`]), 'hello');
      await t.rejects(
        run([...wget, ...shown, `https://localhost:${port}/`]),
        /exit 5/,
        'another name is refused',
      );
    });

    await t.test('socat', async (t) => {
      const tls = `cert=${mine.cert},key=${mine.key},cafile=${mine.ca},verify=1`;
      await speaks(t, [
        'socat',
        '-d',
        '-d',
        `OPENSSL-LISTEN:24444,bind=127.0.0.1,reuseaddr,fork,${tls}`,
        'SYSTEM:echo hello',
      ]);
      const address = `OPENSSL:127.0.0.1:24444,commonname=${primary.host},${tls}`;
      t.equal(await run(['socat', '-u', address, '-']), 'hello\n');
    });

    await t.test('stunnel', async (t) => {
      const tls = `cert=${mine.cert}\nkey=${mine.key}\nCAfile=${mine.ca}\n`;
      const own = `foreground=yes\npid=\ndebug=5\n`;
      const service = '[s]\naccept=127.0.0.1:24445\nexec=/bin/echo\nexecArgs=echo hello\nverifyChain=yes\n';
      writeFileSync(join(dir, 'server.conf'), own + service + tls);
      await speaks(t, ['stunnel', join(dir, 'server.conf')], /Configuration successful/);
      const client = `[c]\nclient=yes\naccept=127.0.0.1:24446\nconnect=127.0.0.1:24445\nverifyChain=yes\ncheckHost=${primary.host}\n`;
      writeFileSync(join(dir, 'client.conf'), own + client + tls);
      await speaks(t, ['stunnel', join(dir, 'client.conf')], /Configuration successful/);
      t.equal(await run(['socat', '-u', 'TCP:127.0.0.1:24446', '-']), 'hello\n');
    });

    await t.test('servers, clients, and the tunnel', async (t) => {
      const mysqld = (host: string) => {
        const { ca, cert, key } = filesOf(host);
        return { mysqld: { ssl_ca: ca, ssl_cert: cert, ssl_key: key } };
      };
      await boot(primary, tunnelOptions(primary, mine, { groups: mysqld(primary.host) }));
      await primary.sql(
        "CREATE USER remote@'%' REQUIRE X509; GRANT ALL ON *.* TO remote@'%'; CREATE DATABASE shop;",
      );
      const yours = filesOf(replica.host);
      const client = [`--ssl-ca=${yours.ca}`, `--ssl-cert=${yours.cert}`, `--ssl-key=${yours.key}`];
      for (const host of [primary.host, primary.ipv4]) {
        const status = await replica.exec([
          'mariadb',
          '--no-defaults',
          '-h',
          host,
          '-uremote',
          ...client,
          '--ssl-verify-server-cert',
          '-e',
          'STATUS',
        ]);
        t.match(status, /SSL:\s+Cipher in use is TLS/, host);
      }
      t.match(
        await primary.exec([process.execPath, program, 'certs', 'show', `${primary.host}:3306`]),
        /TLSv1.3.*\n\ncertificate CN=node1/,
      );
      await joins(t, {
        donor: primary,
        joiner: replica,
        start: tunnelOptions(replica, yours, { groups: mysqld(replica.host) }),
      });
    });
  });
}

/** Starts a program and waits until it says that it is ready. */
async function speaks(t: Test, argv: readonly string[], ready = /listening on/): Promise<ChildProcess> {
  const [file, ...rest] = argv;
  const child = spawn(file!, rest, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  t.teardown(() => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid);
  });
  let said = '';
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (ready.test(said)) resolve();
      });
    }
    child.once('close', () => reject(new Error(`${file ?? ''} ended: ${said}`)));
  });
  return child;
}
