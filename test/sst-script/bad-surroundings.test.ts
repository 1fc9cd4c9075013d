import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';
import { BareNode, type RunOptions } from './bare-node.js';
import { refusals, type BadInput } from './failing.js';
import { Material } from './material.js';

const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(300_000);

type Options = Readonly<Record<string, string>>;

function configured(node: BareNode, sst: Options = {}, mysqld: Options = {}): undefined {
  node.configure(material.groups({}, sst, mysqld));
}

const directories: BadInput[] = [
  {
    title: 'a data directory that does not exist',
    prepare: (node) => {
      configured(node);
      return { dataDir: `${node.dir}/nowhere` };
    },
    code: 'DIRECTORY_MISSING',
    says: [/expected the directory \S+\/nowhere, got nothing there \(datadir/],
    hint: /create the directory/,
  },
  {
    title: 'a data directory that is a file',
    prepare: (node) => {
      configured(node);
      return { dataDir: node.file('plain', '') };
    },
    code: 'DIRECTORY_MISSING',
    says: [/expected a directory, got a file at \S+\/plain/, '(datadir'],
    hint: /name a directory/,
  },
  {
    title: 'a data directory that the server may not write',
    role: 'joiner',
    prepare: (node) => {
      configured(node);
      mkdirSync(`${node.dir}/closed`, { mode: 0o755 });
      return { dataDir: `${node.dir}/closed` };
    },
    code: 'DIRECTORY_NOT_WRITABLE',
    says: [/got mode 0755 of user 0, group 0 for \S+\/closed \(datadir/],
    hint: /writable for the user that the server runs as/,
  },
  {
    title: 'a data directory that the server may not read',
    role: 'donor',
    prepare: (node) => {
      configured(node);
      mkdirSync(`${node.dir}/closed`, { mode: 0o700 });
      return { dataDir: `${node.dir}/closed` };
    },
    code: 'FILE_UNREADABLE',
    says: [/got mode 0700 of user 0, group 0 for \S+\/closed \(datadir/],
  },
  ...[
    'innodb_log_group_home_dir',
    'innodb_data_home_dir',
    'innodb_undo_directory',
    'aria_log_dir_path',
  ].flatMap((option): BadInput[] => [
    {
      title: `${option} that does not exist`,
      role: 'donor',
      prepare: (node) => configured(node, {}, { [option]: `${node.dir}/nowhere` }),
      code: 'DIRECTORY_MISSING',
      says: [/expected the directory \S+\/nowhere/],
      option,
    },
    {
      title: `${option} that cannot be created`,
      role: 'joiner',
      prepare: (node) => configured(node, {}, { [option]: `/proc/nowhere` }),
      code: 'DIRECTORY_NOT_WRITABLE',
      says: [/\/proc/],
      option,
    },
  ]),
];

directories.push(
  {
    title: 'log_bin_index in a directory that cannot be created',
    role: 'joiner',
    prepare: (node) =>
      configured(node, {}, { log_bin: 'binlog', log_bin_index: '/proc/nowhere/binlog.index' }),
    code: 'DIRECTORY_NOT_WRITABLE',
    says: [/\/proc/],
    option: 'log_bin_index',
  },
  {
    title: 'log_bin_index in a directory that the server may not write',
    role: 'joiner',
    prepare: (node) => {
      mkdirSync(`${node.dir}/closed`, { mode: 0o755 });
      configured(node, {}, { log_bin: 'binlog', log_bin_index: `${node.dir}/closed/binlog.index` });
      return undefined;
    },
    code: 'DIRECTORY_NOT_WRITABLE',
    says: [/got mode 0755 of user 0, group 0 for \S+\/closed/],
    option: 'log_bin_index',
  },
);

/** Directory names that rsyncd.conf cannot carry: each would be read as something else. */
const paths: BadInput[] = [
  ['a line end', 'a\nb', 'a control character'],
  ['a %NAME% that rsync expands', 'a%PATH%b', 'a %NAME%'],
  ['a backslash at its end', 'ab\\', 'a backslash at its end'],
  ['a space at its end', 'ab ', 'a space'],
].flatMap(([title = '', name = '', says = '']): BadInput[] => [
  {
    title: `a data directory with ${title}`,
    role: 'joiner',
    prepare: (node) => {
      configured(node);
      return { dataDir: node.directory(name) };
    },
    code: 'PATH_UNSAFE',
    says: [says, '(datadir'],
    hint: /rename/,
  },
]);

/** A line end in any path ends a transfer on both sides: it would be a line of its own in rsyncd.conf, in a log, in a list. */
const lineEnds: BadInput[] = [
  {
    title: 'the data directory',
    prepare: (node) => {
      configured(node);
      return { dataDir: node.directory('a\nb') };
    },
    code: 'PATH_UNSAFE',
    says: ['a control character', '(datadir'],
    hint: /rename/,
  },
  ...[
    'innodb_log_group_home_dir',
    'innodb_data_home_dir',
    'innodb_undo_directory',
    'aria_log_dir_path',
  ].flatMap((option): BadInput[] => {
    const failure = { code: 'PATH_UNSAFE', says: ['a control character'], hint: /rename/ } as const;
    return [
      {
        title: option,
        prepare: (node) => configured(node, {}, { [option]: node.directory('a\nb').replace('\n', '\\n') }),
        ...failure,
        option,
      },
      {
        title: `${option} on the server's command line`,
        prepare: (node) => {
          configured(node);
          const given = `--${option.replaceAll('_', '-')}=${node.directory('a\nb')}`;
          return { args: ['--mysqld-args', given] };
        },
        ...failure,
        says: [...failure.says, `(${option} at command line)`],
      },
    ];
  }),
  {
    title: 'log_bin',
    prepare: (node) =>
      configured(node, {}, { log_bin: `${node.directory('a\nb').replace('\n', '\\n')}/binlog` }),
    code: 'PATH_UNSAFE',
    says: ['a control character'],
    option: 'log_bin',
  },
  ...['tcert', 'tkey', 'tca', 'tcap', 'ssl-crl', 'ssl-crlpath'].map((option): BadInput => ({
    title: option,
    prepare: (node) => configured(node, { [option]: '/a\\nb' }),
    code: 'PATH_UNSAFE',
    says: ['line end'],
    option,
  })),
];

/** Names of files that an option gives. */
const fileNames: BadInput[] = [
  {
    title: 'a name of binary logs with a line end',
    prepare: (node) => {
      configured(node);
      return { args: ['--binlog', 'x\nib_logfile0'] };
    },
    code: 'PATH_UNSAFE',
    says: ['/data/x\\nib_logfile0" has a control character', '(log_bin'],
    hint: /rename/,
  },
  ...(
    [
      ['log_bin_index', 'a\\nb.index'],
      ['innodb_buffer_pool_filename', 'a\\nb'],
      ['innodb_data_file_path', 'ibdata1:1M;a\\nb:1M'],
    ] as const
  ).map(([option, value]): BadInput => ({
    title: `${option} with a line end`,
    prepare: (node) => configured(node, {}, { log_bin: 'bin', [option]: value }),
    code: 'PATH_UNSAFE',
    says: [/\/data\/a\\nb\S* has a control character/],
    option,
    hint: /rename/,
  })),
];

/** What has the name of a file that a transfer makes or reads. */
const obstacles: BadInput[] = [
  ...(
    [
      ['joiner', 'sst_in_progress'],
      ['joiner', 'rsync_tunnel_sst_complete'],
      ['joiner', '.galera-sst-tunnel.partial'],
      ['joiner', '.galera-sst-tunnel.partial.new'],
      ['donor', 'tables_flushed'],
      ['donor', 'sst_error'],
      ['donor', 'sst_in_progress'],
      [undefined, '.galera-sst-tunnel.json'],
      [undefined, 'bin.index'],
    ] as const
  ).map(([role, name]): BadInput => ({
    title: `a directory with the name ${name}`,
    role,
    prepare: (node) => {
      node.directory(`data/${name}`);
      configured(node, {}, { log_bin: 'bin' });
      return undefined;
    },
    code: 'FILE_EXISTS',
    says: [`/data/${name} is a directory, expected a file`],
    hint: /move it away; .*database/,
  })),
  {
    title: 'a link to a device with the name sst_in_progress',
    role: 'joiner',
    prepare: (node) => {
      configured(node);
      symlinkSync('/dev/null', `${node.dataDir}/sst_in_progress`);
      return undefined;
    },
    code: 'FILE_EXISTS',
    says: ['/data/sst_in_progress is a device, expected a file'],
  },
];

t.test('what a data directory makes unsafe is said once', async (t) => {
  const node = await BareNode.create();
  t.teardown(() => node.destroy());
  configured(node, {}, { log_bin: 'bin', innodb_log_group_home_dir: 'redo' });
  const dataDir = node.directory('a\nb');
  node.directory('a\nb/redo');
  for (const role of ['joiner', 'donor'] as const) {
    const run = node.start(role, { dataDir });
    t.equal(await run.ended, 22);
    t.match(run.errors(), [/PATH_UNSAFE: .*\(datadir/]);
    t.same(run.warnings(), []);
  }
});

const temporaryDirectories: BadInput[] = [
  {
    title: 'a tmpdir with a line end',
    prepare: (node) => configured(node, { tmpdir: node.directory('a\nb').replace('\n', '\\n') }),
    code: 'PATH_UNSAFE',
    says: ['a control character'],
    option: 'tmpdir',
  },
  {
    title: 'a tmpdir with a %NAME% that rsync expands',
    role: 'joiner',
    prepare: (node) => configured(node, { tmpdir: node.directory('a%PATH%b') }),
    code: 'PATH_UNSAFE',
    says: ['a %NAME%'],
    option: 'tmpdir',
  },
  {
    title: 'a tmpdir in the data directory',
    prepare: (node) => configured(node, { tmpdir: node.directory('data/tmp') }),
    code: 'OPTION_INVALID',
    says: ['lies in the data directory'],
    option: 'tmpdir',
  },
  {
    title: 'a tmpdir that is a link into the data directory',
    prepare: (node) => {
      node.directory('data/tmp');
      symlinkSync(`${node.dataDir}/tmp`, `${node.dir}/link`);
      configured(node, { tmpdir: `${node.dir}/link` });
      return undefined;
    },
    code: 'OPTION_INVALID',
    says: ['/link lies in the data directory'],
    option: 'tmpdir',
  },
  {
    title: 'a TMPDIR in the data directory',
    prepare: (node) => {
      configured(node);
      return { env: { TMPDIR: node.directory('data/tmp') } };
    },
    code: 'OPTION_INVALID',
    says: ["the system's directory for temporary files", '/data/tmp lies in the data directory'],
    hint: /set TMPDIR, or tmpdir in \[sst\]/,
  },
  {
    title: 'a tmpdir that does not exist',
    role: 'joiner',
    prepare: (node) => configured(node, { tmpdir: '/nowhere' }),
    code: 'DIRECTORY_MISSING',
    says: ['/nowhere'],
    option: 'tmpdir',
  },
  {
    title: 'a tmpdir that the server may not write',
    role: 'joiner',
    prepare: (node) => configured(node, { tmpdir: '/proc' }),
    code: 'DIRECTORY_NOT_WRITABLE',
    says: ['/proc'],
    option: 'tmpdir',
  },
];

/** Runs the script where a file of the system is another: in a mount namespace of its own. */
function whereFileIs(file: string, replacement: string): RunOptions {
  const command = 'mount --bind "$1" "$2" && shift 2 && exec "$@"';
  return { through: ['unshare', '--mount', 'sh', '-c', command, 'sh', replacement, file] };
}

const tools: BadInput[] = (['socat', 'rsync'] as const).flatMap((tool): BadInput[] => [
  {
    title: `no ${tool}`,
    prepare: (node) => {
      configured(node);
      return whereFileIs(`/usr/bin/${tool}`, node.file('not-executable', '', 0o644));
    },
    code: 'TOOL_MISSING',
    says: [`${tool} is not on the path of the server`],
    hint: new RegExp(`install the package ${tool}`),
  },
  {
    title: `a ${tool} that does not say its version`,
    prepare: (node) => {
      configured(node);
      return { env: { PATH: `${fake(node, tool, 'echo hello')}:${process.env['PATH'] ?? ''}` } };
    },
    code: 'TOOL_MISSING',
    says: [/did not print its version: "hello/],
  },
  {
    title: `a ${tool} that is too old`,
    prepare: (node) => {
      configured(node);
      const old = {
        socat: 'echo "socat version 1.7.3.4 on Jan  1 2020"',
        rsync: 'echo "rsync  version 3.0.9  protocol version 30"',
      }[tool];
      return { env: { PATH: `${fake(node, tool, old)}:${process.env['PATH'] ?? ''}` } };
    },
    code: 'TOOL_TOO_OLD',
    says: [{ socat: 'socat is version 1.7.3.4', rsync: 'rsync is version 3.0.9' }[tool], 'or newer'],
    hint: new RegExp(`upgrade the package ${tool}`),
  },
]);

const oldNodes: BadInput[] = ['v8.17.0', 'v18.19.0', 'v20.5.1', 'v20.18.3'].map((version) => ({
  title: `node ${version}`,
  role: 'joiner',
  prepare: (node) => {
    configured(node);
    return { env: { PATH: `${fake(node, 'node', `echo ${version}`)}:${process.env['PATH'] ?? ''}` } };
  },
  code: 'TOOL_TOO_OLD',
  says: [`/bin/node is version ${version.slice(1)}, needed is 20.19 or newer`],
  hint: /upgrade the package nodejs/,
}));

function fake(node: BareNode, tool: string, line: string): string {
  const dir = node.directory('bin');
  writeFileSync(join(dir, tool), `#!/bin/sh\n${line}\n`);
  chmodSync(join(dir, tool), 0o755);
  return dir;
}

const ports: BadInput[] = [
  {
    title: 'a port that another process has',
    role: 'joiner',
    prepare: async (node) => {
      configured(node);
      const server = createServer();
      server.listen(node.port, '127.0.0.1');
      await once(server, 'listening');
      t.teardown(() => server.close());
      return undefined;
    },
    code: 'PORT_BUSY',
    says: [
      /port \d+ for 127\.0\.0\.1 is taken by a process of uid 0, .* \(listening on 127\.0\.0\.1; as root: ss /,
    ],
    hint: /name another port in wsrep_sst_receive_address/,
  },
  {
    title: 'a port that another process has, seen by root',
    role: 'joiner',
    prepare: async (node) => {
      configured(node);
      const server = createServer();
      server.listen(node.port, '127.0.0.1');
      await once(server, 'listening');
      t.teardown(() => server.close());
      return { user: 'root' };
    },
    code: 'PORT_BUSY',
    says: [`process ${process.pid}: ${process.argv0}`],
  },
];

t.test('a port that another process has in the other family is free', (t) => {
  const cases = [
    { title: 'IPv4 joiner', stranger: '::', address: undefined },
    { title: 'IPv6 joiner', stranger: '0.0.0.0', address: (port: number) => `[::1]:${port}` },
  ];
  for (const { title, stranger, address } of cases) {
    t.test(title, async (t) => {
      const node = await BareNode.create();
      t.teardown(() => node.destroy());
      configured(node, { 'ssl-mode': 'VERIFY_CA' });
      const server = createServer().listen({ port: node.port, host: stranger, ipv6Only: true });
      await once(server, 'listening');
      t.teardown(() => server.close());
      const run = node.start('joiner', { address: address?.(node.port) });
      t.match(await run.said(/^ready /), `:${node.port}/`);
      await run.end();
    });
  }
  t.end();
});

for (const [title, cases] of Object.entries({
  directories,
  'paths that rsyncd.conf cannot carry': paths,
  'a line end in a path': lineEnds,
  'names of files with line ends': fileNames,
  'things in the way': obstacles,
  tmpdir: temporaryDirectories,
  tools,
  'a node that is too old': oldNodes,
  ports,
})) {
  t.test(title, (t) => {
    refusals(t, cases);
    t.end();
  });
}
