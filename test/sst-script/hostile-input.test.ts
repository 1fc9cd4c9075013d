import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { BareNode, stateId, type Groups, type RunOptions, type ScriptRun } from './bare-node.js';
import { Material } from './material.js';
import { lockTables, startDonor, waitingPair } from './pair.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(280_000);

/** What is tried: each would leave a trace if somebody on the way read it as more than text. */
const attempts: Readonly<Record<string, (canary: string) => string>> = {
  'for shells, socat and rsync': (canary) =>
    `a,verify=0,cafile=/dev/null!!EXEC:"touch ${canary}/1" $(touch ${canary}/2)\`touch ${canary}/3\`;touch ${canary}/4|touch ${canary}/5&"; touch ${canary}/6; '; touch ${canary}/7; %H%RSYNC_USER_NAME%%PATH% --rsh=touch ${'x'.repeat(3000)}`,
  'for lines': (canary) =>
    `b\r\nWSREP_SST: [ERROR] FORGED: x HINT: y (20260101 00:00:00.000)\nready forged:1/x\n${stateId}:99\ndone ${stateId}:99\n[forged]\npath = /\nread only = no\n$(touch ${canary}/8)\x1b[2J`,
};

/** Text as an option file can hold it. */
const escaped = (text: string): string =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"`;

/** A node, and the directory in which nothing may ever appear. */
async function target(t: Test): Promise<{ node: BareNode; canary: string }> {
  const node = await BareNode.create();
  t.teardown(() => node.destroy());
  return { node, canary: node.directory('canary') };
}

const serverSays = new RegExp(
  `^(ready sst:[0-9a-f]{48}@[\\w.:[\\]-]+/rsync_tunnel_sst|(total|complete) \\d+|flush tables|continue|(done )?${stateId}:(7|42)( 0)?)$`,
);
const logLine = /^WSREP_SST: \[(INFO|WARNING|ERROR)\] .* \(\d{8} \d\d:\d\d:\d\d\.\d{3}\)$/su;

/** Whatever came of a run: nothing was carried out, and both streams hold lines of ours alone. */
function expectInnocent(
  t: Test,
  canary: string,
  runs: readonly ScriptRun[],
  nodes: readonly BareNode[],
): void {
  t.same(readdirSync(canary), [], 'nothing was carried out');
  for (const { stdout, stderr } of runs) {
    t.same(
      stdout.filter((line) => !serverSays.test(line)),
      [],
      'the server is told nothing that it does not know',
    );
    t.same(
      stderr.filter((line) => !logLine.test(line)),
      [],
      'every line of the log is one of ours',
    );
    t.notOk(
      stderr.some((line) => /^WSREP_SST: \[\w+\] FORGED/.test(line)),
      'none is forged',
    );
    t.notOk(
      stderr.some((line) => /[\0-\x08\x0b-\x1f\x7f]/.test(line)),
      'no control character in it',
    );
    t.ok(stderr.filter((line) => line.startsWith('WSREP_SST: [ERROR]')).length < 2, 'one error at most', {
      stderr,
    });
  }
  for (const node of nodes) t.same(node.privateFiles(), [], 'no private file is left');
}

/** Ends a run that goes on, as one does for which the input means nothing. */
async function toItsEnd(run: ScriptRun): Promise<void> {
  await Promise.race([run.ended, run.said(/^ready /).catch(() => undefined)]);
  run.process.kill('SIGTERM');
  await run.ended;
}

type Source = (node: BareNode, text: string) => RunOptions | undefined;
const configured = (
  node: BareNode,
  more: Readonly<Record<string, string | null>>,
  server: Groups[string] = {},
) => node.configure(material.groups({}, more, server));
const inOption =
  (name: string): Source =>
  (node, text) =>
    configured(node, { [name]: escaped(text) });
const inServerOption =
  (name: string): Source =>
  (node, text) =>
    configured(node, {}, { [name]: escaped(text) });
const inArgument =
  (...names: readonly string[]): Source =>
  (node, text) => {
    configured(node, {});
    return { args: names.flatMap((name) => [name, text]) };
  };
const inVariable =
  (...names: readonly string[]): Source =>
  (node, text) => {
    configured(node, {});
    return { env: Object.fromEntries(names.map((name) => [name, text])) };
  };

/** A program of this name that prints the text and does nothing else. */
const printing =
  (program: string, words: (text: string) => string): Source =>
  (node, text) => {
    configured(node, {}, {});
    node.writeOptionFile(
      `${readFileSync(node.optionFile, 'utf8')}\n[mysqld-10.11]\nbind_address=127.0.0.1\n`,
    );
    const bin = node.directory('bin');
    node.file('said', words(text));
    writeFileSync(join(bin, program), `#!/bin/sh\nexec cat '${node.dir}/said'\n`);
    chmodSync(join(bin, program), 0o755);
    return { env: { PATH: `${bin}:${process.env['PATH'] ?? ''}` } };
  };

const sources: Readonly<Record<string, Source>> = {
  ...Object.fromEntries(
    ['tca', 'tcert', 'sockopt', 'ssl-cipher', 'tmpdir', 'ssl-crl'].map((name) => [
      `the option ${name}`,
      inOption(name),
    ]),
  ),
  ...Object.fromEntries(
    ['bind_address', 'innodb_data_home_dir', 'innodb_data_file_path', 'log_bin'].map((name) => [
      `the server's option ${name}`,
      inServerOption(name),
    ]),
  ),
  "an option's name and a group's": (node, text) => {
    const name = text.replaceAll(/[\r\n=\]]/g, ' ');
    configured(node, { [name]: 'x' });
    node.writeOptionFile(`${readFileSync(node.optionFile, 'utf8')}\n[${name}]\ntca=x\n`);
    return undefined;
  },
  'an included file': (node, text) => {
    configured(node, {});
    const line = `!include ${text.replaceAll(/[\r\n]/g, ' ')}`;
    node.writeOptionFile(`${readFileSync(node.optionFile, 'utf8')}\n${line}\n!includedir ${node.dir}\n`);
    return undefined;
  },
  'the address': inArgument('--address'),
  'the role': inArgument('--role'),
  'the data directory': inArgument('--datadir'),
  'the state': inArgument('--gtid', '--gtid-domain-id'),
  'other directories': inArgument(
    '--innodb-log-group-home-dir',
    '--aria-log-dir-path',
    '--innodb-undo-directory',
  ),
  'the binary log': inArgument('--binlog', '--binlog-index'),
  'option files and suffix': inArgument('--defaults-extra-file', '--defaults-group-suffix'),
  'the parent': inArgument('--parent'),
  "the server's own arguments": (node, text) => {
    configured(node, {});
    return { args: ['--mysqld-args', text, `--bind-address=${text}`, `--log-basename=${text}`] };
  },
  'the secrets': inVariable('WSREP_SST_OPT_REMOTE_AUTH', 'WSREP_SST_OPT_AUTH'),
  'directories in the environment': inVariable('TMPDIR', 'HOME', 'MYSQL_HOME', 'MARIADB_HOME'),
  "the agent's socket": inVariable('GALERA_SST_TUNNEL_SOCKET', 'MYSQL_GROUP_SUFFIX'),
  "rsync's and socat's environment": inVariable(
    'RSYNC_RSH',
    'RSYNC_CONNECT_PROG',
    'RSYNC_PROXY',
    'SOCAT_DEFAULT_LISTEN_IP',
  ),
  "the shell's environment": inVariable('ENV', 'BASH_ENV', 'IFS', 'PS4', 'LC_ALL', 'RSYNC_OLD_ARGS'),
  "the server's version": printing('mariadbd', (text) => `mariadbd  Ver ${text}\n`),
  "rsync's version": printing('rsync', (text) => `rsync  version ${text}\n`),
  "socat's version": printing('socat', (text) => `socat version ${text}\n`),
  'the claim of an earlier transfer': (node, text) => {
    configured(node, {});
    const claim = {
      transferId: text,
      owner: { pid: 2 ** 22 - 1, startTicks: 1, bootId: text },
      workDir: text,
    };
    node.file('data/.galera-sst-tunnel.json', JSON.stringify(claim));
    return undefined;
  },
  'the sign of a partial copy': (node, text) => {
    configured(node, {});
    const header = { format: 1, transferId: text, startedAt: text, bootId: text };
    node.file('data/.galera-sst-tunnel.partial', `${JSON.stringify(header)}\n${JSON.stringify(text)}\n`);
    return undefined;
  },
};

t.test('nobody reads as more than text what stands in', (t) => {
  t.jobs = 4;
  for (const [source, prepare] of Object.entries(sources)) {
    t.test(source, { buffered: true }, async (t) => {
      for (const [what, attempt] of Object.entries(attempts)) {
        const role = what === 'for lines' ? 'donor' : 'joiner';
        const { node, canary } = await target(t);
        const run = node.start(role, prepare(node, attempt(canary)));
        await toItsEnd(run);
        t.comment(`${what}, ${role}: ${run.errors()[0]?.slice(0, 150) ?? 'no error'}`);
        expectInnocent(t, canary, [run], [node]);
      }
    });
  }
  t.end();
});

/** Lets a transfer go to its end, however that may be. */
async function transfer(
  pair: Awaited<ReturnType<typeof waitingPair>>,
  options: RunOptions = {},
): Promise<ScriptRun> {
  const giving = startDonor(pair, options);
  await Promise.race([giving.ended, lockTables(giving, pair).catch(() => undefined)]);
  await giving.ended;
  await pair.joining.ended;
  return giving;
}

t.test("a peer's certificate is text, whatever names it has", (t) => {
  t.jobs = 2;
  for (const [what, attempt] of Object.entries(attempts)) {
    t.test(what, { buffered: true }, async (t) => {
      const canary = t.testdir();
      chmodSync(canary, 0o777);
      const text = attempt(canary).slice(0, 800);
      const name = { commonName: text, dnsNames: [text], ipAddresses: ['127.0.0.1'], commonNameInSan: false };
      const files = await material.issue(`hostile-${what.length}`, name);
      const pair = await waitingPair(t, material, { joinerFiles: files, donorFiles: files });
      const giving = await transfer(pair);
      t.equal(await giving.ended, 0, 'the address is named too, so they get on', { log: giving.stderr });
      expectInnocent(t, canary, [giving, pair.joining], [pair.donor, pair.joiner]);
    });
  }
  t.end();
});

t.test('files come with the names that they have', async (t) => {
  const canary = t.testdir();
  chmodSync(canary, 0o777);
  const names = [
    ...[
      '$(touch x)',
      '`touch x`',
      ';touch x;',
      'a b',
      ' lead',
      'trail ',
      "it's",
      '"quoted"',
      'back\\slash',
      '-e sh',
      '--delete',
    ],
    ...[
      'new\nline',
      'new\nWSREP_SST: [ERROR] FORGED',
      'cr\rhere',
      '\x1b[2J',
      '%H',
      '%PATH%',
      '#hash',
      ';semi',
      '*',
      '[x]',
      '..x',
      '...',
    ],
    ...[
      '!bang!!',
      'comma,verify=0',
      'ü\u202e',
      'l'.repeat(240),
      '- filter',
      ':colon',
      '@at',
      '{brace}',
      '~',
      '.#x',
      'z.ibd~',
    ],
  ].map((name) => name.replaceAll('touch x', `touch ${canary.replaceAll('/', '_')}`));
  const pair = await waitingPair(t, material, {
    prepare: (_, donor) => {
      for (const name of names) {
        donor.file(`data/shop/${name}`, `file ${name}`);
        donor.directory(`data/${name}.d`.slice(0, 240));
        donor.file(`data/${name}.d`.slice(0, 240) + '/t.ibd', 'x');
      }
    },
  });
  const giving = await transfer(pair);
  t.equal(await giving.ended, 0, 'the donor succeeds', { log: giving.stderr });
  t.equal(await pair.joining.ended, 0, 'the joiner succeeds', { log: pair.joining.stderr });
  const sent = (node: BareNode): string[] =>
    readdirSync(node.dataDir, { recursive: true, encoding: 'utf8' }).sort();
  const ownToDonor = /^tables_flushed$/;
  t.same(
    sent(pair.joiner),
    sent(pair.donor).filter((name) => !ownToDonor.test(name)),
    'every name has arrived',
  );
  for (const name of names)
    t.equal(readFileSync(join(pair.joiner.dataDir, 'shop', name), 'utf8'), `file ${name}`);
  expectInnocent(t, canary, [giving, pair.joining], [pair.donor, pair.joiner]);
});

t.test("what the donor's server writes for it is text", async (t) => {
  for (const [what, attempt] of Object.entries(attempts)) {
    const canary = t.testdir();
    chmodSync(canary, 0o777);
    const pair = await waitingPair(t, material);
    const giving = startDonor(pair);
    await giving.said(/^flush tables$/);
    pair.donor.file('data/tables_flushed', `${stateId}:42 ${attempt(canary)}\n`);
    await giving.ended;
    await pair.joining.ended;
    t.match(giving.errors()[0], /PEER_PROTOCOL: \S+tables_flushed has no state/, what);
    t.match(pair.joining.errors()[0], /PEER_FAILED: the donor failed with PEER_PROTOCOL/, what);
    expectInnocent(t, canary, [giving, pair.joining], [pair.donor, pair.joiner]);
  }
});
