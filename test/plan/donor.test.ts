import t from 'tap';
import type { ListedFile } from '../../src/datadir/file-table.js';
import type { Layout, Place } from '../../src/datadir/layout.js';
import {
  connectionCommand,
  deleteUnlisted,
  fetchMessage,
  planJobs,
  sendDirectories,
  sendFiles,
  sendMessage,
  showTunnelClient,
  type Job,
  type Manner,
  type Sending,
  type TunnelClient,
} from '../../src/plan/donor.js';

const client: TunnelClient = {
  connect: 'OPENSSL:node1:4444,verify=1',
  secret: '0123abcd',
  timeoutSeconds: 120,
  withoutChecksums: true,
};
const rsh = `--rsh=sh -c 'socat -t 0 -b 262144 STDIO "$GALERA_SST_TUNNEL_TO"; s=$?; test $s -lt 132 || test $s -gt 139 || echo socat was killed with status $s >&2; exit $s'`;
const whole: Manner = { kind: 'whole', sparse: false };
const wholeWithHoles: Manner = { kind: 'whole', sparse: true };
const differences: Manner = { kind: 'differences', blockBytes: 16_384 };
const env = { GALERA_SST_TUNNEL_TO: 'OPENSSL:node1:4444,verify=1', RSYNC_PASSWORD: '0123abcd' };

t.test('rsync’s connection command is constant: values are in the environment', async (t) => {
  t.equal(`--rsh=${connectionCommand}`, rsh);
});

t.test('files are sent with exactly this command', async (t) => {
  const job = { module: 'rsync_tunnel_sst', root: '/var/lib/my sql', manner: whole };
  t.strictSame(sendFiles(job, '/w/copy.list', 'copy stream 1', client), {
    name: 'copy stream 1',
    program: 'rsync',
    args: [
      rsh,
      '--no-motd',
      '--timeout=120',
      '--files-from',
      '/w/copy.list',
      '--from0',
      '--whole-file',
      '--inplace',
      '--ignore-times',
      '--perms',
      '--times',
      '--omit-dir-times',
      '--copy-links',
      '--checksum-choice=none',
      '/var/lib/my sql/',
      'rsync://sst@joiner/rsync_tunnel_sst/',
    ],
    env,
    secretEnv: ['RSYNC_PASSWORD'],
  });
});

t.test('what is sent while the server writes gives way to its clients', async (t) => {
  const job = { module: 'rsync_tunnel_sst', root: '/d', manner: whole };
  const sent = sendFiles(job, '/w/pass-1.list', 'pass 1 stream 1', { ...client, mayVanish: true });
  t.equal(sent.givesWay, true);
  t.ok(sent.args.includes('--ignore-missing-args'), 'and files may be gone');
});

t.test('sparse files, an old rsync, a joiner without a secret and no limit change the command', async (t) => {
  const job = { module: 'm', root: '/d', manner: wholeWithHoles };
  const old = { connect: 'OPENSSL:x', secret: undefined, timeoutSeconds: 0, withoutChecksums: false };
  const { args, env } = sendFiles(job, '/l', 'n', old);
  t.ok(args.includes('--sparse'));
  t.notOk(args.some((word) => /^--(checksum-choice|timeout)/.test(word)));
  t.equal(args.at(-1), 'rsync://joiner/m/');
  t.strictSame(env, { GALERA_SST_TUNNEL_TO: 'OPENSSL:x' });
});

t.test('differences are sent in blocks of pages, and never with --sparse', async (t) => {
  const words = sendFiles({ module: 'm', root: '/d', manner: differences }, '/l', 'n', client).args;
  t.strictSame(words.slice(words.indexOf('--from0')), [
    ...['--from0', '--no-whole-file', '--block-size=16384', '--inplace', '--ignore-times', '--perms'],
    ...['--times', '--omit-dir-times', '--copy-links', '/d/', 'rsync://sst@joiner/m/'],
  ]);
  const similar = (name: string, size: number): FileToSend => {
    return { ...file('data', name, size, true), similar: true };
  };
  const gib = 2 ** 30;
  const files = [
    file('data', 'new.ibd', 9, true),
    similar('holes.ibd', 3),
    { ...file('data', 'full.ibd', 2), similar: true },
    similar('large.ibd', 16 * gib),
    similar('larger.ibd', 16 * gib + 1),
    similar('huge.ibd', 65 * gib),
    similar('vast.ibd', 4096 * gib),
  ];
  t.strictSame(
    jobsOf(files, modules).map(({ manner, files }) => [manner, ...files]),
    [
      [{ kind: 'differences', blockBytes: 131_072 }, 'huge.ibd', 'vast.ibd'],
      [{ kind: 'differences', blockBytes: 16_384 }, 'holes.ibd', 'full.ibd', 'large.ibd'],
      [{ kind: 'differences', blockBytes: 32_768 }, 'larger.ibd'],
      [{ kind: 'whole', sparse: true }, 'new.ibd'],
    ],
  );
});

t.test('a client without a list connects and waits for the names', async (t) => {
  const way = { module: 'm', root: '/d', manner: differences };
  const command = sendFiles(way, undefined, 'copy stream 1', client);
  t.equal(command.readsInput, true);
  t.equal(command.args[command.args.indexOf('--files-from') + 1], '-');
  t.equal(sendFiles(way, '/l', 'copy stream 1', client).readsInput, undefined);
});

t.test('a compressor that both sides have is named, and what it makes of the files is checked', async (t) => {
  const job = { module: 'm', root: '/d', manner: whole };
  const options = (compressor: TunnelClient['compressor']): readonly string[] =>
    sendFiles(job, '/l', 'n', { ...client, compressor }).args.filter((word) =>
      /^--(compress|checksum)/.test(word),
    );
  t.strictSame(options('zstd'), ['--compress', '--compress-choice=zstd', '--compress-level=1']);
  t.strictSame(options('lz4'), ['--compress', '--compress-choice=lz4']);
  t.strictSame(options(undefined), ['--checksum-choice=none']);
});

t.test('messages are sent and fetched', async (t) => {
  t.strictSame(sendMessage('/w/offer', 'inbox', 'offer', client), {
    name: 'offer',
    program: 'rsync',
    args: [rsh, '--no-motd', '--timeout=120', '--ignore-times', '/w/offer', 'rsync://sst@joiner/inbox/'],
    env,
    secretEnv: ['RSYNC_PASSWORD'],
  });
  t.strictSame(fetchMessage('answer.json', 'answer', '/w/', 'answer', client).args, [
    rsh,
    '--no-motd',
    '--timeout=1200',
    '--ignore-times',
    'rsync://sst@joiner/answer/answer.json',
    '/w/',
  ]);
});

t.test('what an old joiner has and the donor has not is deleted, its own files spared', (t) => {
  const old: TunnelClient = { ...client, secret: undefined, withoutChecksums: false };
  t.strictSame(deleteUnlisted('/d', 'rsync_tunnel_sst', 'deletions', old), {
    name: 'deletions',
    program: 'rsync',
    args: [
      rsh,
      '--no-motd',
      '--timeout=120',
      '--recursive',
      '--delete',
      '--existing',
      '--ignore-existing',
      '--filter=- /lost+found',
      '--filter=- /.zfs',
      '--filter=- /.snapshot',
      '--filter=- /.fseventsd',
      '--filter=- /.Trashes',
      '--filter=- galera.cache',
      '--filter=- gcache.page.*',
      '--filter=- grastate.dat',
      '--filter=- gvwstate.dat',
      '--filter=- */ib_logfile*',
      '--filter=+ /*/',
      '--filter=+ /ibdata*',
      '--filter=+ /ib_lru_dump',
      '--filter=+ /undo*',
      '--filter=+ /aria_log_control',
      '--filter=+ /aria_log.*',
      '--filter=- /*',
      '/d/',
      'rsync://joiner/rsync_tunnel_sst/',
    ],
    env: { GALERA_SST_TUNNEL_TO: 'OPENSSL:node1:4444,verify=1' },
    secretEnv: ['RSYNC_PASSWORD'],
  });
  t.strictSame(sendDirectories('/d', 'rsync_tunnel_sst', '/w/list', 'directories', old).args.slice(3), [
    '--files-from',
    '/w/list',
    '--from0',
    '--dirs',
    '--perms',
    '--omit-dir-times',
    '--copy-links',
    '/d/',
    'rsync://joiner/rsync_tunnel_sst/',
  ]);
  t.end();
});

t.test('the tunnel is shown as it runs, without the secret', async (t) => {
  t.equal(
    showTunnelClient({ ...client, connect: 'OPENSSL:node1:4444,commonname=a b' }),
    `socat -t 0 -b 262144 STDIO 'OPENSSL:node1:4444,commonname=a b'`,
  );
  const set = { ...client, opensslConf: '/w/openssl.cnf' };
  t.equal(
    showTunnelClient(set),
    'OPENSSL_CONF=/w/openssl.cnf socat -t 0 -b 262144 STDIO OPENSSL:node1:4444,verify=1',
  );
  t.strictSame(sendMessage('/f', 'data', 'it', set).env, { ...env, OPENSSL_CONF: '/w/openssl.cnf' });
});

const layout: Layout = {
  roots: { data: '/d', 'innodb-home': '/d', 'innodb-log': '/log', undo: '/d', aria: '/d' },
  innodbFiles: ['ibdata*'],
  bufferPoolFile: 'ib_buffer_pool',
};
const modules: Record<Place, string> = {
  data: 'data',
  'innodb-home': 'data',
  'innodb-log': 'data',
  undo: 'undo',
  aria: 'data',
  binlog: 'binlog',
};
type FileToSend = ListedFile & Sending;
const file = (place: Place, path: string, size: number, sparse = false): FileToSend => {
  return { place, path, size, sparse };
};
const jobsOf = (
  files: readonly FileToSend[],
  into: Record<Place, string>,
  links?: ReadonlyMap<string, string>,
): (Omit<Job, 'files'> & { files: string[] })[] =>
  planJobs(files, (one) => one, layout, into, links).map((job) => ({ ...job, files: [...job.files] }));

t.test(
  'files that go from one directory into one module share a job, sparse ones apart, the most bytes first',
  async (t) => {
    const a = file('data', 'a.ibd', 10);
    const b = file('innodb-home', 'ibdata1', 20);
    const holes = file('data', 'b.ibd', 500, true);
    const log = file('innodb-log', 'ib_logfile0', 1000);
    const undo = file('undo', 'undo001', 5);
    t.strictSame(jobsOf([a, holes, log, b, undo], modules), [
      { module: 'data', root: '/log', files: ['ib_logfile0'], manner: whole, bytes: 1000 },
      { module: 'data', root: '/d', files: ['b.ibd'], manner: wholeWithHoles, bytes: 500 },
      { module: 'data', root: '/d', files: ['a.ibd', 'ibdata1'], manner: whole, bytes: 30 },
      { module: 'undo', root: '/d', files: ['undo001'], manner: whole, bytes: 5 },
    ]);
  },
);

t.test('schemas that are links at the joiner go into modules of their own', async (t) => {
  const files = [
    file('data', 'shop/a.ibd', 30),
    file('data', 'shop/sub/b.ibd', 20),
    file('data', 'shops/c.ibd', 10),
    file('undo', 'shop/undo001', 5),
  ];
  const links = new Map([['shop', 'link0']]);
  const inside = ['shop/./a.ibd', 'shop/./sub/b.ibd'];
  t.strictSame(jobsOf(files, modules, links), [
    { module: 'link0', root: '/d', files: inside, manner: whole, bytes: 50 },
    { module: 'data', root: '/d', files: ['shops/c.ibd'], manner: whole, bytes: 10 },
    { module: 'undo', root: '/d', files: ['shop/undo001'], manner: whole, bytes: 5 },
  ]);
});

t.test('what the joiner does not take, or has no directory here, is left out', async (t) => {
  const files = [file('binlog', 'bin.000001', 1), file('undo', 'undo001', 1)];
  t.strictSame(jobsOf(files, { ...modules, undo: '' }), []);
  t.strictSame(jobsOf([], modules), []);
});
