import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parseAddress } from '../../src/config/address.js';
import type { Config } from '../../src/config/config.js';
import { parseSocketOptions, type TlsSettings } from '../../src/config/tls.js';
import { showCommand, type Command } from '../../src/plan/command.js';
import {
  deleteUnlisted,
  listModule,
  sendDirectories,
  sendFiles,
  showTunnelClient,
  type TunnelClient,
  type Way,
} from '../../src/plan/donor.js';
import { planJoiner } from '../../src/plan/joiner.js';
import { planMessages } from '../../src/plan/message-commands.js';
import { dataModule, linkModule, messageModules, placeModules } from '../../src/plan/modules.js';
import { connectAddress, listenAddress } from '../../src/plan/tunnel.js';
import { BareNode, serverUser } from '../sst-script/bare-node.js';
import { Material } from '../sst-script/material.js';
import { blocksOf, sectionOf } from './blocks.js';

const page = readFileSync(new URL('../../../docs/commands.md', import.meta.url), 'utf8');

const source = { kind: 'command line', name: '--datadir' } as const;
const tls: TlsSettings = {
  mode: 'VERIFY_IDENTITY',
  cert: { value: '/c', source },
  sockopt: parseSocketOptions(undefined),
};
const config: Config = {
  role: 'joiner',
  address: parseAddress('node2.my.cluster', 'it'),
  bindAddresses: [],
  tls,
  directories: { dataDir: { value: '/var/lib/mysql', source } },
  streams: 2,
  precopy: 'auto',
  compressor: 'none',
  maxBinlogs: 1,
  allowDonorWithoutSecret: false,
  initialTimeoutMs: 0,
  connectTimeoutMs: 0,
  overallTimeoutMs: 0,
  verify: 'size',
  pageCache: 'drop',
  ktls: false,
  idleTimeoutMs: 0,
  sources: {},
};
const workDir = '/tmp/galera-sst-tunnel-XXXXXX';
const data = '/var/lib/mysql';
const filesOf = (node: string) => ({
  certFile: `/etc/mysql/ssl/${node}.my.cluster.crt`,
  keyFile: `/etc/mysql/ssl/${node}.my.cluster.key`,
  caFile: '/etc/mysql/ssl/ca.crt',
});
const { listener } = planJoiner({
  config,
  layout: {
    roots: { data, 'innodb-home': data, 'innodb-log': data, undo: data, aria: data },
    innodbFiles: ['ibdata*'],
    bufferPoolFile: 'ib_buffer_pool',
  },
  links: [],
  files: filesOf('node2'),
  workDir,
  bind: '192.0.2.2',
  owner: serverUser,
});
const client: TunnelClient = {
  connect: connectAddress(config.address, 'node2.my.cluster', tls, filesOf('node1')),
  secret: 'secret',
  timeoutSeconds: 120,
  withoutChecksums: true,
};
const way: Way = { module: dataModule, root: data, manner: { kind: 'whole', sparse: false } };
const stream = sendFiles(way, `${workDir}/pass1.1.list`, 'pass 1 stream 1', { ...client, mayVanish: true });

t.test('the commands of the page are those that the program makes', async (t) => {
  for (const [title, command] of [
    ['The joiner listens', showCommand(listener)],
    ["The donor's way there", showTunnelClient(client)],
    ['The donor sends', showCommand(stream)],
  ] as const) {
    t.strictSame(blocksOf(sectionOf(page, new RegExp(title))), [command], title);
  }
});

/** The first column of a section's table: names of options. */
function explained(title: string): string[] {
  const rows = sectionOf(page, new RegExp(title))
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  return rows
    .flatMap((row) => [...(row.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name))
    .sort();
}

const unique = (names: readonly string[]): string[] => [...new Set(names)].sort();

t.test('every option of socat is explained, and no other', async (t) => {
  const limited: TlsSettings = {
    ...tls,
    versions: { value: { min: 'TLSv1.2', max: 'TLSv1.3' }, source },
    ciphers: { value: 'ECDHE-RSA-AES256-GCM-SHA384', source },
  };
  const files = { ...filesOf('node2'), caPath: '/etc/mysql/ssl/cas' };
  const ip6 = parseAddress('[2001:db8::2]', 'it');
  const addresses = [
    listenAddress(config.address, '192.0.2.2', tls, files),
    listenAddress(ip6, '::', tls, files),
    connectAddress(ip6, undefined, limited, files),
    client.connect,
  ];
  const inAddresses = addresses.flatMap((address) =>
    address
      .split(',')
      .slice(1)
      .map((option) => option.replace(/=.*/, '')),
  );
  const words = [...listener.args, ...showTunnelClient(client).split(' ')].filter((word) =>
    /^-[a-z]$/.test(word),
  );
  t.strictSame(explained('What socat is told'), unique([...inAddresses, ...words]));
});

t.test('every option of rsync is explained, and no other', async (t) => {
  const differences = { kind: 'differences', blockBytes: 16_384 } as const;
  const compressing = { ...client, compressor: 'zstd' } as const;
  const commands: Command[] = [
    listener,
    stream,
    ...Object.values<Command>({ ...planMessages(client, workDir) }),
    sendFiles({ ...way, manner: { kind: 'whole', sparse: true } }, undefined, 'copy stream 1', compressing),
    sendFiles({ ...way, manner: differences }, undefined, 'copy stream 2', client),
    sendDirectories(data, dataModule, '/list', 'directories', client),
    listModule(dataModule, 'probe', client),
    deleteUnlisted(data, dataModule, 'delete', client),
  ];
  const words = commands.flatMap(({ args }) =>
    args.flatMap((arg) => (arg.startsWith('SYSTEM:') ? arg.split(' ') : [arg])),
  );
  const options = words.filter((word) => word.startsWith('--')).map((word) => word.replace(/[=;].*/s, ''));
  t.strictSame(explained('What rsync is told'), unique(options));
});

t.test('every module is named', async (t) => {
  const section = sectionOf(page, /What rsync is told/);
  for (const module of [...Object.values(placeModules), ...Object.values(messageModules), linkModule(0)])
    t.match(section, module.replace(/^rsync_tunnel_sst(?=-)/, ''), module);
});

t.test("pasted, a donor's commands do what the page says", async (t) => {
  const material = await Material.create();
  t.teardown(() => material.destroy());
  const node = await BareNode.create();
  t.teardown(() => node.destroy());
  node.configure(material.groups({}, { tmpdir: node.tmpDir }));
  const joiner = node.start('joiner', { address: node.address });
  await joiner.ready();
  const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
  const words = [`--datadir=${node.dataDir}`, `--defaults-file=${node.optionFile}`];
  const donor = [program, 'plan', 'donor', '--address', `${node.address}/${dataModule}`, ...words];
  const planned = spawnSync(process.execPath, donor, { encoding: 'utf8' }).stdout.split('\n');
  const lineWith = (text: string): string => planned.find((line) => line.includes(text)) ?? '';
  const paste = (line: string) =>
    spawnSync('sh', ['-c', line], { ...serverUser, encoding: 'utf8', input: '', timeout: 30_000 });

  // socat takes the end of its input for the end of all after `-t 0`: somebody at a terminal does not end it.
  const wayThere = lineWith('socat -t 0 ').replace('socat -t 0', 'socat -t 5');
  t.match(paste(wayThere).stdout, /^@RSYNCD: \d/, 'the daemon greets');
  const asking = lineWith(' --files-from ').replace(
    / --files-from .*/,
    ` --list-only rsync://sst@joiner/${messageModules.inbox}/`,
  );
  t.match(sectionOf(page, /Running one by hand/), 'from `--files-from` on', 'what is replaced');
  t.match(asking, messageModules.inbox);
  const refused = paste(asking);
  t.equal(refused.status, 5, refused.stderr);
  t.match(refused.stderr, '@ERROR: auth failed');
  await joiner.said(/refused a node with a valid certificate and another transfer's secret; still waiting/);
});
