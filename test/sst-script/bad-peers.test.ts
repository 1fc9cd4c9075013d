import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import t from 'tap';
import type { Test } from 'tap';
import { issueCa } from '../../src/certificates/issue.js';
import { BareNode, stateId, type RunOptions, type ScriptRun } from './bare-node.js';
import { expectFailure, expectNoProcess, refusals, type BadInput } from './failing.js';
import { Material, type CertificateFiles } from './material.js';
import { preloaded } from './preloaded.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(240_000);
const hour = 3_600_000;
const from = (ms: number): Date => new Date(Date.now() + ms);
const foreignCa = await issueCa({ name: 'another CA', keyType: 'ec' });
const foreign = await material.issue('foreign', {}, foreignCa);

/** A joiner that does not check itself: socat with rsync's daemon, as the original script runs it. */
async function carelessJoiner(t: Test, node: BareNode, files: CertificateFiles, ca: string): Promise<void> {
  const config = node.file('careless.conf', 'use chroot = no\n[rsync_tunnel_sst]\npath = /nowhere\n');
  const options = `reuseaddr,fork,cert=${files.cert},key=${files.key},cafile=${ca},verify=1`;
  // Teardowns do not run in a test that is interrupted or killed: the kernel ends the listener with this process.
  const socat = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', 'socat', '-d', '-d'],
      `OPENSSL-LISTEN:${node.port},${options}`,
      `EXEC:rsync --server --daemon --config=${config} .`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  t.teardown(() => socat.kill('SIGKILL'));
  await output(socat, / listening on /);
}

async function output(child: ChildProcess, pattern: RegExp): Promise<void> {
  let text = '';
  for await (const chunk of child.stderr!) {
    text += String(chunk);
    if (pattern.test(text)) break;
  }
  child.stderr!.resume();
}

const good = material.good;
const joiners: (Omit<BadInput, 'prepare' | 'role'> & { joiner: CertificateFiles; ca?: string })[] = [
  {
    title: 'expired',
    joiner: await material.issue('expired', { notBefore: from(-72 * hour), notAfter: from(-25 * hour) }),
    code: 'CERTIFICATE_EXPIRED',
    says: ['the certificate of the joiner 127.0.0.1:', 'expired 1 day 1 hour ago'],
  },
  {
    title: 'not valid yet',
    joiner: await material.issue('early', { notBefore: from(3.5 * hour) }),
    code: 'CERTIFICATE_NOT_YET_VALID',
    says: ['the certificate of the joiner', /3 hours 2\d minutes after this host's clock/],
    hint: /clocks/,
  },
  {
    title: 'signed by a foreign CA',
    joiner: foreign,
    code: 'CERTIFICATE_UNTRUSTED',
    says: ['the certificate of the joiner', 'was issued by "CN=another CA"'],
    option: 'tca',
  },
  {
    title: 'for another address',
    joiner: await material.issue('elsewhere', { commonName: 'node9', ipAddresses: ['127.0.0.9'] }),
    code: 'CERTIFICATE_NAME_MISMATCH',
    says: [`the joiner's address "127.0.0.1" is not named by`, 'commonName "node9"', 'IP 127.0.0.9'],
  },
  {
    title: 'for clients only',
    joiner: await material.issue('client-only', { extendedKeyUsages: ['clientAuth'] }),
    code: 'CERTIFICATE_USAGE',
    says: ['the certificate of the joiner', 'serverAuth'],
  },
  {
    title: 'good, but does not trust the donor',
    joiner: good,
    ca: material.write('another-ca.crt', foreignCa.certPem),
    code: 'PEER_REJECTED_US',
    says: [/rejected this node's certificate|before rsync's greeting/],
  },
];

t.test('a donor turns down a joiner whose certificate is', (t) => {
  t.jobs = 2;
  for (const { title, joiner, ca, ...failure } of joiners) {
    t.test(title, { buffered: true }, async (t) => {
      const node = await BareNode.create();
      t.teardown(() => node.destroy());
      node.configure(material.groups());
      await carelessJoiner(t, node, joiner, ca ?? material.ca);
      const run = node.start('donor');
      await expectFailure(t, run, node, failure);
      t.same(run.stdout, [], 'the lock is not asked for');
    });
  }
  t.end();
});

t.test('a donor finds no joiner', (t) => {
  const plain =
    (groups = material.groups(), run?: RunOptions) =>
    (node: BareNode): RunOptions | undefined => {
      node.configure(groups);
      return run;
    };
  refusals(t, [
    {
      title: 'where nothing listens',
      role: 'donor',
      prepare: plain(),
      code: 'PEER_UNREACHABLE',
      says: ['cannot connect to the joiner 127.0.0.1:', 'connection refused'],
      hint: /the joiner's log/,
    },
    {
      title: 'at a name that does not exist',
      role: 'donor',
      prepare: plain(material.groups(), { address: 'no-such-host.invalid:4444/rsync_tunnel_sst' }),
      code: 'PEER_UNREACHABLE',
      says: ['no-such-host.invalid:4444', 'the name cannot be resolved'],
      hint: /DNS or \/etc\/hosts/,
    },
    {
      title: 'where something else than TLS listens',
      role: 'donor',
      prepare: async (node) => {
        node.configure(material.groups());
        const server = createServer((socket) => {
          socket.on('error', () => undefined);
          socket.write('220 mail.my.cluster ESMTP\r\n');
        });
        server.listen(node.port, '127.0.0.1');
        await once(server, 'listening');
        t.teardown(() => server.close());
        return undefined;
      },
      code: 'PEER_PROTOCOL',
      says: ['no TLS with the joiner'],
      hint: /wsrep_sst_method=rsync_tunnel/,
    },
  ]);
  t.end();
});

interface Pair {
  readonly joiner: BareNode;
  readonly donor: BareNode;
  readonly joining: ScriptRun;
  readonly ready: { auth: string; address: string };
}

/** A waiting joiner and a donor's node; both have what `sst` adds to their option files. */
async function waitingJoiner(
  t: Test,
  options: {
    joiner?: Record<string, string>;
    joinerServer?: Record<string, string>;
    donor?: Record<string, string>;
    donorServer?: Record<string, string>;
    donorFiles?: CertificateFiles;
    prepare?: (joiner: BareNode, donor: BareNode) => void;
    start?: (joiner: BareNode) => RunOptions;
  } = {},
): Promise<Pair> {
  const [joiner, donor] = [await BareNode.create(), await BareNode.create()];
  t.teardown(async () => {
    await joiner.destroy();
    await donor.destroy();
  });
  joiner.configure(material.groups({}, options.joiner, options.joinerServer));
  donor.configure(material.groups(options.donorFiles, options.donor, options.donorServer));
  options.prepare?.(joiner, donor);
  const joining = joiner.start('joiner', options.start?.(joiner));
  return { joiner, donor, joining, ready: await joining.ready() };
}

/** As where the user has used up all that the system gives him to watch files with. */
function withoutInotify(node: BareNode): RunOptions {
  return preloaded(
    node,
    `require('node:fs').watch = () => { throw new Error('ENOSPC: System limit for number of file watchers reached'); };
    require('node:module').syncBuiltinESMExports();`,
  );
}

function startDonor({ donor, ready }: Pair, options: RunOptions = {}): ScriptRun {
  return donor.start('donor', {
    address: ready.address,
    ...options,
    env: { WSREP_SST_OPT_REMOTE_AUTH: ready.auth, ...options.env },
  });
}

/** What the donor's server does when it is asked for the lock. */
async function lockTables(run: ScriptRun, { donor }: Pair): Promise<void> {
  await run.said(/^flush tables$/);
  donor.file('data/tables_flushed', `${stateId}:42 0\n`);
}

async function expectTransfer(t: Test, pair: Pair): Promise<ScriptRun> {
  const giving = startDonor(pair);
  await lockTables(giving, pair);
  t.equal(await giving.ended, 0, 'the donor succeeds', { log: giving.stderr });
  t.equal(await pair.joining.ended, 0, 'the joiner succeeds', { log: pair.joining.stderr });
  t.equal(pair.joining.stdout.at(-1), `${stateId}:42 0`, 'the joiner has the state');
  t.same(
    giving.stdout.filter((line) => !/^(total|complete) /.test(line)),
    ['flush tables', 'continue', `done ${stateId}:42 0`],
  );
  t.same(pair.joining.errors().concat(giving.errors()), [], 'nobody complains');
  await expectNoProcess(t, pair.joining);
  await expectNoProcess(t, giving);
  return giving;
}

t.test('what is no reason to fail', (t) => {
  t.jobs = 2;
  t.test('a key that everybody can read is a warning', { buffered: true }, async (t) => {
    const open = { ...good, key: material.write('open.key', readFileSync(good.key), 0o644) };
    const pair = await waitingJoiner(t, { joiner: { tkey: open.key }, donorFiles: open });
    const giving = await expectTransfer(t, pair);
    for (const [run, node] of [
      [pair.joining, pair.joiner],
      [giving, pair.donor],
    ] as const) {
      const [warning = ''] = run.warnings();
      t.match(
        warning,
        /KEY_EXPOSED: every user of this host can read the private key in \S+open\.key \(mode 0644\)/,
      );
      t.match(warning, `(${node.placeOf('tkey')}) HINT: chmod 0600 ${open.key}`);
      t.equal(run.warnings().length, 1);
    }
  });
  for (const keyType of ['ec', 'ed25519', 'rsa'] as const) {
    t.test(`certificates with ${keyType} keys`, { buffered: true }, async (t) => {
      const files = await material.issue(keyType, { keyType, rsaBits: 2048 });
      const pair = await waitingJoiner(t, {
        joiner: { tcert: files.cert, tkey: files.key },
        donorFiles: files,
      });
      await expectTransfer(t, pair);
    });
  }
  t.test('a bind_address that the certificate does not name is a warning', { buffered: true }, async (t) => {
    const pair = await waitingJoiner(t, { joinerServer: { bind_address: '10.1.2.3' } });
    const [warning = ''] = pair.joining.warnings();
    t.match(warning, /bind_address "10\.1\.2\.3" \(\S+my\.cnf:\d+\) is not named by/);
    t.notMatch(pair.joining.stderr.join(' '), 'the effective address');
    await expectTransfer(t, pair);
  });
  t.test('strangers at a waiting joiner', { buffered: true }, async (t) => {
    const pair = await waitingJoiner(t);
    const { port } = pair.joiner;
    await bother(port, 'GET / HTTP/1.0\r\n\r\n');
    await bother(port, Buffer.alloc(100_000, 0x80));
    await bother(port, '');
    await botherWithTls(port, {});
    await botherWithTls(port, { cert: readFileSync(foreign.cert), key: readFileSync(foreign.key) });
    await expectTransfer(t, pair);
  });
  t.test('strangers who take up every connection and say nothing', { buffered: true }, async (t) => {
    const pair = await waitingJoiner(t);
    const strangers = Array.from({ length: 130 }, () => connect(pair.joiner.port, '127.0.0.1'));
    t.teardown(() => strangers.forEach((socket) => socket.destroy()));
    await Promise.all(
      strangers.map(async (socket, index) => {
        socket.on('error', () => undefined);
        await once(socket, 'connect');
        // Neither silence nor the beginning of a word is a handshake.
        if (index % 2 === 0) socket.write('\x16');
      }),
    );
    // A donor that comes before socat has taken all of them would find a place without that.
    await pair.joining.said(/ended \d+ connections that did not come through a TLS handshake/);
    await expectTransfer(t, pair);
  });
  t.test(
    'holders of a certificate who take up every connection and do not log in',
    { buffered: true },
    async (t) => {
      const pair = await waitingJoiner(t);
      const { cert, key } = material.good;
      const identity = { cert: readFileSync(cert), key: readFileSync(key) };
      const strangers = Array.from({ length: 130 }, () =>
        connectTls({ port: pair.joiner.port, host: '127.0.0.1', rejectUnauthorized: false, ...identity }),
      );
      t.teardown(() => strangers.forEach((socket) => socket.destroy()));
      for (const socket of strangers) socket.on('error', () => undefined);
      await pair.joining.said(/ended \d+ connections that did not log in within 3 s/);
      await expectTransfer(t, pair);
    },
  );
  t.test(
    'keys of the servers in their data directories stay where they are',
    { buffered: true },
    async (t) => {
      const options = { ssl_key: 'secrets/server.key', file_key_management_filename: 'secrets/keys' };
      const pair = await waitingJoiner(t, {
        joinerServer: options,
        donorServer: options,
        prepare: (joiner, donor) => {
          for (const [name, node] of [
            ['joiner', joiner],
            ['donor', donor],
          ] as const) {
            node.directory('data/secrets');
            node.file('data/secrets/server.key', `key of the ${name}`);
            node.file('data/secrets/keys', `keys of the ${name}`);
          }
        },
      });
      await expectTransfer(t, pair);
      t.same(
        ['server.key', 'keys'].map((name) =>
          readFileSync(join(pair.joiner.dataDir, 'secrets', name), 'utf8'),
        ),
        ['key of the joiner', 'keys of the joiner'],
      );
    },
  );
  t.end();
});

async function bother(port: number, what: string | Buffer): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  socket.end(what);
  await closed(socket);
}

async function botherWithTls(port: number, identity: { cert?: Buffer; key?: Buffer }): Promise<void> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...identity });
  socket.on('error', () => undefined);
  socket.resume();
  socket.write('@RSYNCD: 31.0\nrsync_tunnel_sst\n');
  await closed(socket);
}

/** However it ended: `once` would reject when the joiner resets the connection. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

t.test('a transfer between two nodes ends on both sides', (t) => {
  t.jobs = 2;

  t.test(
    'a donor without the secret: the joiner names the option that allows it',
    { buffered: true },
    async (t) => {
      const pair = await waitingJoiner(t);
      const before = pair.joiner.contents().filter((line) => !line.includes('sst_in_progress'));
      const original = spawn('rsync', rsyncAsOriginal(pair), {
        stdio: 'ignore',
        env: { PATH: process.env['PATH'] },
      });
      await once(original, 'close');
      await expectFailure(t, pair.joining, pair.joiner, {
        code: 'SECRET_MISSING',
        says: ["without this transfer's secret"],
        hint: /set allow-donor-without-secret=1 in \[sst\] of the joiner/,
      });
      const said =
        /connection from 127\.0\.0\.1:\d+ .*\n(.*\n)*.*\[WARNING\] SECRET_MISSING: .*; still waiting for the donor/;
      t.match(pair.joining.stderr.join('\n'), said, 'it is said at once, behind where it came from');
      t.same(
        pair.joiner.contents(),
        before.filter((line) => !line.includes('.galera-sst-tunnel.json')),
        'nothing was written',
      );
    },
  );

  t.test('a donor with a wrong secret is refused, and the joiner waits on', { buffered: true }, async (t) => {
    const pair = await waitingJoiner(t);
    const wrong = startDonor(pair, { env: { WSREP_SST_OPT_REMOTE_AUTH: `sst:${'0'.repeat(48)}` } });
    await expectFailure(t, wrong, pair.donor, {
      code: 'SECRET_REFUSED',
      says: ['auth failed on module'],
      hint: /restarted/,
    });
    t.same(wrong.stdout, [], 'the lock is not asked for');
    await expectTransfer(t, pair);
  });

  t.test('sockopt that the donor cannot use', { buffered: true }, async (t) => {
    const pair = await waitingJoiner(t, { donor: { sockopt: 'cipher=NOPE' } });
    const giving = startDonor(pair);
    await expectFailure(t, giving, pair.donor, {
      code: 'SOCKOPT_REJECTED',
      says: ['OpenSSL knows no cipher in "NOPE"'],
      option: 'sockopt',
    });
    t.same(giving.stdout, [], 'the lock is not asked for');
  });

  t.test('tables with DATA DIRECTORY: which, on both sides', { buffered: true }, async (t) => {
    const pair = await waitingJoiner(t);
    pair.donor.file('data/shop/elsewhere.isl', '/mnt/disk2/shop/elsewhere.ibd');
    pair.donor.directory('data/my@002dshop');
    pair.donor.file('data/my@002dshop/pictures.isl', '/mnt/disk2/my@002dshop/pictures.ibd');
    const giving = startDonor(pair);
    const says = ['my-shop.pictures', 'shop.elsewhere'];
    await expectFailure(t, giving, pair.donor, {
      code: 'DATA_DIRECTORY_TABLES',
      says,
      hint: /move the tables back/,
    });
    t.same(giving.stdout, [], 'the lock is not asked for');
    await expectFailure(t, pair.joining, pair.joiner, {
      code: 'PEER_FAILED',
      says: ['the donor failed with DATA_DIRECTORY_TABLES', ...says],
      hint: /move the tables back/,
    });
  });

  for (const [title, path] of [
    ['a table', 'data/shop/orders.ibd'],
    ['the system tablespace', 'data/ibdata1'],
    ['a binary log', 'data/bin.000001'],
  ] as const) {
    t.test(`${title} that the donor may not read: before the lock`, { buffered: true }, async (t) => {
      const pair = await waitingJoiner(t, {
        donorServer: { log_bin: 'bin' },
        prepare: (_joiner, donor) => {
          donor.file('data/bin.index', './bin.000001\n');
          donor.file('data/bin.000001', 'b');
          chownSync(join(donor.dir, path), 0, 0);
        },
      });
      const giving = startDonor(pair);
      const says = [`got mode 0600 of user 0, group 0 for ${join(pair.donor.dir, path)} (EACCES)`];
      const hint = /readable for the user that the server runs as/;
      await expectFailure(t, giving, pair.donor, { code: 'FILE_UNREADABLE', says, hint });
      t.same(giving.stdout, [], 'the lock is not asked for');
      await expectFailure(t, pair.joining, pair.joiner, {
        code: 'PEER_FAILED',
        says: ['the donor failed with FILE_UNREADABLE', ...says],
      });
    });
  }

  t.test('what no copy can hold is named by the donor before the lock', { buffered: true }, async (t) => {
    const pair = await waitingJoiner(t);
    const { dataDir } = pair.donor;
    symlinkSync('/nowhere/x.MYD', join(dataDir, 'shop/x.MYD'));
    const giving = startDonor(pair);
    await giving.said(/^flush tables$/);
    t.match(giving.warnings(), [
      /COPY_INCOMPLETE: the copy goes without .* nowhere: shop\/x\.MYD HINT: mend/,
    ]);
    t.equal(giving.warnings().length, 1);
  });

  for (const [title, occupy, found] of [
    ['a file', (path: string) => writeFileSync(path, ''), 'file'],
    ['a link that leads nowhere', (path: string) => symlinkSync('/nowhere', path), 'link that leads nowhere'],
  ] as const) {
    t.test(`${title} where the donor has a schema: before the lock`, { buffered: true }, async (t) => {
      const pair = await waitingJoiner(t, {
        prepare: (joiner, donor) => {
          donor.directory('data/news');
          occupy(join(joiner.dataDir, 'news'));
        },
      });
      const giving = startDonor(pair);
      const says = [`/data/news is a ${found}, expected a directory`];
      const hint = /move it away: the donor has a directory of that name/;
      await expectFailure(t, pair.joining, pair.joiner, { code: 'FILE_EXISTS', says, hint });
      await expectFailure(t, giving, pair.donor, {
        code: 'PEER_FAILED',
        says: ['the joiner failed with FILE_EXISTS', ...says],
      });
      t.same(giving.stdout, [], 'the lock is not asked for');
      t.notOk(existsSync(join(pair.joiner.dataDir, '.galera-sst-tunnel.partial')), 'nothing was changed');
    });
  }

  t.test(
    "a file of the donor's where the joiner has a key: before the lock",
    { buffered: true },
    async (t) => {
      const pair = await waitingJoiner(t, {
        joinerServer: { ssl_key: 'secrets/server.key' },
        prepare: (joiner, donor) => {
          for (const node of [joiner, donor]) node.directory('data/secrets');
          joiner.file('data/secrets/server.key', 'key of the joiner');
          donor.file('data/secrets/server.key', 'a leftover');
        },
      });
      const giving = startDonor(pair);
      const says = ["secrets/server.key is a file of this node's own: it would be replaced"];
      await expectFailure(t, pair.joining, pair.joiner, {
        code: 'FILE_EXISTS',
        says,
        hint: /remove the donor's file if it is a leftover/,
      });
      await expectFailure(t, giving, pair.donor, {
        code: 'PEER_FAILED',
        says: ['the joiner failed with FILE_EXISTS', ...says],
      });
      t.same(giving.stdout, [], 'the lock is not asked for');
      t.equal(readFileSync(join(pair.joiner.dataDir, 'secrets/server.key'), 'utf8'), 'key of the joiner');
    },
  );

  t.test('a donor whose server cannot flush its tables', { buffered: true }, async (t) => {
    const pair = await waitingJoiner(t);
    const giving = startDonor(pair);
    await giving.said(/^flush tables$/);
    pair.donor.file('data/sst_error', '');
    await expectFailure(t, giving, pair.donor, {
      code: 'FLUSH_FAILED',
      says: ['could not flush its tables'],
    });
    await expectFailure(t, pair.joining, pair.joiner, {
      code: 'PEER_FAILED',
      says: ['the donor failed with FLUSH_FAILED'],
      hint: /error log/,
    });
  });

  t.test('a donor whose joiner is killed while it waits for the lock', { buffered: true }, async (t) => {
    const pair = await waitingJoiner(t);
    const giving = startDonor(pair);
    await giving.said(/^flush tables$/);
    process.kill(pair.joining.pid, 'SIGKILL');
    await pair.joining.ended;
    await expectNoProcess(t, pair.joining);
    pair.donor.file('data/tables_flushed', `${stateId}:42 0\n`);
    await expectFailure(t, giving, pair.donor, {
      code: 'PEER_UNREACHABLE',
      says: ['Connection refused'],
      hint: /the joiner's log/,
    });
    t.notOk(
      giving.stdout.some((line) => line.startsWith('done')),
      'nothing is called done',
    );
  });

  t.test('a joiner that is told to end while the donor copies', { buffered: true }, async (t) => {
    const pair = await waitingJoiner(t);
    const giving = startDonor(pair);
    await giving.said(/^flush tables$/);
    process.kill(pair.joining.pid, 'SIGTERM');
    await expectFailure(t, pair.joining, pair.joiner, { code: 'INTERRUPTED', says: ['SIGTERM'] });
    // The donor still waits for its lock: it hears the reason all the same.
    const says = ['the joiner failed with INTERRUPTED', 'SIGTERM'];
    await expectFailure(t, giving, pair.donor, { code: 'PEER_FAILED', says });
    t.notOk(existsSync(join(pair.joiner.dataDir, 'sst_in_progress')), 'no sign of progress is left');
  });

  for (const [start, where] of [
    [undefined, ''],
    [withoutInotify, ', where the log of its daemon cannot be watched'],
  ] as const) {
    const name = `a file of the joiner that it may not overwrite${where}`;
    t.test(name, { buffered: true }, async (t) => {
      const pair = await waitingJoiner(t, start === undefined ? {} : { start });
      const giving = startDonor(pair);
      await giving.said(/^flush tables$/);
      // As large as the donor's: only the failure to write tells that it is another.
      const stale = pair.joiner.file('data/ibdata1', 'x'.repeat(5000), 0o600);
      chownSync(stale, 0, 0);
      pair.donor.file('data/tables_flushed', `${stateId}:42 0\n`);
      await expectFailure(t, pair.joining, pair.joiner, {
        code: 'DIRECTORY_NOT_WRITABLE',
        says: ['what the donor sends cannot be written', 'ibdata1'],
        hint: /check owner and mode/,
      });
      const says = ['the joiner failed with DIRECTORY_NOT_WRITABLE', 'ibdata1'];
      await expectFailure(t, giving, pair.donor, { code: 'PEER_FAILED', says });
      t.notMatch(giving.stdout.join(' '), /done/, 'the donor does not call it done');
      t.notMatch(pair.joining.stdout.join(' '), stateId, 'the joiner has no state');
    });
  }

  t.test('a server that answers the lock with nonsense', { buffered: true }, async (t) => {
    const pair = await waitingJoiner(t);
    const giving = startDonor(pair);
    await giving.said(/^flush tables$/);
    pair.donor.file('data/tables_flushed', 'no state:\n');
    await expectFailure(t, giving, pair.donor, {
      code: 'PEER_PROTOCOL',
      says: ['tables_flushed has no state'],
    });
    await expectFailure(t, pair.joining, pair.joiner, {
      code: 'PEER_FAILED',
      says: ['the donor failed with'],
    });
  });

  t.test('a joiner to which no donor comes', { buffered: true }, async (t) => {
    const pair = await waitingJoiner(t, { joiner: { 'sst-initial-timeout': '1' } });
    await bother(pair.joiner.port, 'not a donor');
    await expectFailure(t, pair.joining, pair.joiner, {
      code: 'TIMED_OUT',
      says: ['no donor', 'within 1 s'],
      option: 'sst-initial-timeout',
    });
  });
  t.test(
    'a joiner that verifies nobody and to which only a donor without the secret comes',
    { buffered: true },
    async (t) => {
      const pair = await waitingJoiner(t, { joiner: { 'ssl-mode': 'REQUIRED', 'sst-initial-timeout': '4' } });
      const original = spawn('rsync', rsyncAsOriginal(pair), {
        stdio: 'ignore',
        env: { PATH: process.env['PATH'] },
      });
      await once(original, 'close');
      await pair.joining.said(/\[WARNING\] SECRET_MISSING: .*; still waiting for the donor/);
      await expectFailure(t, pair.joining, pair.joiner, {
        code: 'SECRET_MISSING',
        says: ['no donor came within 4 s, but a node wants to write', "without this transfer's secret"],
        hint: /set allow-donor-without-secret=1/,
      });
    },
  );
  t.end();
});

/** The command with which the original script's donor sends, with a certificate but no secret. */
function rsyncAsOriginal({ joiner, donor }: Pair): string[] {
  const tls = `cert=${good.cert},key=${good.key},cafile=${material.ca}`;
  const tunnel = `sh -c 'exec socat STDIO OPENSSL:127.0.0.1:${joiner.port},${tls}'`;
  return [`--rsh=${tunnel}`, '-a', '--inplace', `${donor.dataDir}/`, 'rsync://node2/rsync_tunnel_sst'];
}
