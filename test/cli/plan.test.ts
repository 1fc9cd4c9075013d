import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { BareNode } from '../sst-script/bare-node.js';
import { Material } from '../sst-script/material.js';

const cli = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const material = await Material.create();
t.teardown(() => material.destroy());

interface Planned {
  status: number | null;
  out: string;
  err: string;
}

function plan(node: BareNode, words: readonly string[]): Planned {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'plan', ...words], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', TMPDIR: node.tmpDir },
    cwd: '/',
  });
  return { status, out: stdout, err: stderr };
}

const options = (node: BareNode, ...more: readonly string[]): string[] => [
  ...[`--datadir=${node.dataDir}`, `--defaults-file=${node.optionFile}`],
  ...more,
];

async function nodeWith(
  t: Test,
  sst: Readonly<Record<string, string>> = {},
): Promise<{ node: BareNode; before: string[] }> {
  const node = await BareNode.create();
  t.teardown(() => node.destroy());
  node.configure(material.groups({}, sst));
  return { node, before: node.contents() };
}

t.test(
  'a joiner: settings with their places, the daemon and the listener, and nothing is touched',
  async (t) => {
    const { node, before } = await nodeWith(t, { 'sst-idle-timeout': '7', sockopt: 'cipher=ALL' });
    const { status, out, err } = plan(node, ['joiner', '--address', node.address, ...options(node)]);
    t.equal(err, '');
    t.equal(status, 0, out);
    const { cert, key } = material.good;
    const placed = (option: string): string => node.placeOf(option).replace(`${option} at `, '');
    for (const [option, value] of [
      ['tcert', cert],
      ['tkey', key],
      ['tca', material.ca],
      ['sst-idle-timeout', '7'],
      ['sockopt', '"cipher=ALL"'],
    ] as const) {
      t.match(lineOf(out, `${option}=`), new RegExp(`^${option}=${value} +# ${placed(option)}$`));
    }
    t.match(lineOf(out, 'ssl-mode='), /^ssl-mode=VERIFY_IDENTITY +# default$/);
    t.match(lineOf(out, 'allow-donor-without-secret='), /=OFF +# default$/);
    t.match(out, `path = ${node.dataDir}\n`);
    const listener = lineOf(out, 'socat ') || (out.split('\n').find((line) => line.includes('socat ')) ?? '');
    t.match(listener, new RegExp(`OPENSSL-LISTEN:${node.port},.*cert=${cert}`));
    t.match(listener, /cipher=ALL/);
    t.same(node.contents(), before, 'the data directory is untouched');
    t.same(readdirSync(node.tmpDir), [], 'no private file is made');
  },
);

t.test('a donor: tunnel, messages and a copy in streams, although no joiner is there', async (t) => {
  const { node, before } = await nodeWith(t, { 'backup-threads': '2' });
  const address = `127.0.0.1:${node.port}/rsync_tunnel_sst`;
  const { status, out, err } = plan(node, ['donor', '--address', address, ...options(node)]);
  t.equal(err, '');
  t.equal(status, 0, out);
  t.match(lineOf(out, 'backup-threads='), new RegExp(`=2 +# ${node.optionFile}:\\d+$`));
  t.match(lineOf(out, 'sst-max-binlogs='), /=1 +# default$/);
  t.match(out, new RegExp(`OPENSSL:127\\.0\\.0\\.1:${node.port},`));
  t.match(out, /GALERA_SST_TUNNEL_TO=/);
  t.equal(out.match(/--files-from - /g)?.length, 2, 'two streams that connect before the lock');
  t.same(node.contents(), before, 'the data directory is untouched');
  t.same(readdirSync(node.tmpDir), [], 'no private file is made');
});

t.test('what the checks find stands at the end, and decides the exit status', async (t) => {
  const { node } = await nodeWith(t, { tcrt: '/x' });
  chmodSync(node.dataDir, 0o755);
  const elsewhere = await material.issue('elsewhere', { commonName: 'node9', ipAddresses: ['127.0.0.9'] });
  node.configure(material.groups(elsewhere, { tcrt: '/x' }));
  const { status, out } = plan(node, ['joiner', '--address', node.address, ...options(node)]);
  t.equal(status, 22);
  t.match(
    out,
    new RegExp(`^# warning: OPTION_UNKNOWN: .*tcrt at ${node.optionFile}:\\d+.* HINT: was tcert meant`, 'm'),
  );
  t.match(out, /^# error: CERTIFICATE_NAME_MISMATCH: .* HINT: /m);
});

t.test('whoever may not read the data directory is told so, and nothing else goes wrong', async (t) => {
  const { node } = await nodeWith(t);
  chmodSync(node.dataDir, 0o700);
  const words = [cli, 'plan', 'joiner', '--address', node.address, ...options(node)];
  const nobody = ['--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups', process.execPath];
  const { status, stdout, stderr } = spawnSync('setpriv', [...nobody, ...words], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', TMPDIR: '/tmp' },
    cwd: '/',
  });
  t.equal(status, 13, stderr);
  t.equal(stderr, '');
  t.match(stdout, new RegExp(`^# error: DIRECTORY_NOT_WRITABLE: .*${node.dataDir}.* HINT: `, 'm'));
  t.notMatch(stdout, /INTERNAL/);
});

t.test('a missing option is an error on stderr, after the warning of the misspelt one', async (t) => {
  const { node } = await nodeWith(t);
  node.configure({ sst: { tca: material.ca, tcrt: '/x' } });
  const { status, out, err } = plan(node, ['joiner', '--address', node.address, ...options(node)]);
  t.equal(status, 22);
  t.match(out, /OPTION_UNKNOWN: .*"tcrt"/);
  t.match(err, /^galera-sst-tunnel: OPTION_MISSING: tcert is not set.* HINT: /);
});

t.test('tables outside the data directory and a busy port are found without a transfer', async (t) => {
  const { node } = await nodeWith(t);
  node.file('data/shop/far.isl', '/mnt/far.ibd');
  const donor = plan(node, ['donor', '--address', node.address, ...options(node)]);
  t.match(donor.out, /^# error: DATA_DIRECTORY_TABLES: .*shop\.far/m);
  t.equal(donor.status, 22);
  const { node: other } = await nodeWith(t);
  const run = other.start('joiner', { address: node.address });
  await run.ready();
  const joiner = plan(node, ['joiner', '--address', node.address, ...options(node)]);
  t.match(joiner.out, /^# error: PORT_BUSY: /m);
  t.equal(joiner.status, 16);
});

t.test('an option that nobody reads is told of, with the one that was meant', async (t) => {
  const { node } = await nodeWith(t);
  const words = ['joiner', '--address', node.address, ...options(node)];
  const { status, out, err } = plan(node, [...words, '--defalts-file=/x', '--wsrep-sst-news', 'x']);
  t.equal(status, 0, out);
  t.equal(
    err,
    'galera-sst-tunnel: warning: --defalts-file is not read; was --defaults-file meant?\ngalera-sst-tunnel: warning: --wsrep-sst-news is not read\n',
  );
  const passed = [
    '--binlog-index=x',
    '--innodb_buffer_pool_size=1',
    '--user=',
    '--mysqld-args',
    '--nobody-knows=1',
  ];
  t.equal(plan(node, [...words, ...passed]).err, '', 'what a server passes is known');
});

t.test('what is wrong with the words of the command is said', async (t) => {
  const { node } = await nodeWith(t);
  writeFileSync(join(node.dir, 'notes'), '');
  const cases: [string[], RegExp][] = [
    [['joiner'], /ARGUMENT_INVALID: --address is missing HINT: see galera-sst-tunnel plan --help$/m],
    [['joiner', '--addres', 'x'], /^.*--addres is not read; was --address meant\?\n.*--address is missing/],
    [['joiner', '--address', 'a;b', ...options(node)], /ADDRESS_INVALID/],
    [['arbiter'], /arbiter/],
    [[], /expected the role, joiner or donor/],
  ];
  for (const [words, said] of cases) {
    const { status, err } = plan(node, words);
    t.equal(status, 22, words.join(' '));
    t.match(err, said);
  }
});

function lineOf(text: string, beginning: string): string {
  return text.split('\n').find((line) => line.startsWith(beginning)) ?? '';
}
