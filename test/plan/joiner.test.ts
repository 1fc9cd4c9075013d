import t from 'tap';
import { parseAddress } from '../../src/config/address.js';
import type { Config } from '../../src/config/config.js';
import type { Layout } from '../../src/datadir/layout.js';
import { planJoiner, type JoinerFacts } from '../../src/plan/joiner.js';

const source = { kind: 'command line', name: '--datadir' } as const;
const config: Config = {
  role: 'joiner',
  address: parseAddress('192.0.2.1', 'it'),
  bindAddresses: [],
  tls: { mode: 'VERIFY_IDENTITY', cert: { value: '/c', source }, sockopt: { options: [] } },
  directories: { dataDir: { value: '/d', source } },
  streams: 2,
  precopy: 0,
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
const layout: Layout = {
  roots: { data: '/my data', 'innodb-home': '/home', 'innodb-log': '/log', undo: '/home', aria: '/my data' },
  innodbFiles: ['ibdata*'],
  bufferPoolFile: 'ib_buffer_pool',
  binlog: { dir: '/binlog', base: 'bin', index: '/binlog/bin.index' },
};
const facts: JoinerFacts = {
  config,
  layout,
  links: [],
  files: { certFile: '/c', keyFile: '/k', caFile: '/ca' },
  workDir: '/w',
  bind: '192.0.2.1',
  owner: { uid: 999, gid: 998 },
};

const daemonConfig = `use chroot = no
reverse lookup = no
log file = /w/rsyncd.log
timeout = 0

[rsync_tunnel_sst]
path = /my data
read only = no
write only = yes
auth users = sst
secrets file = /w/rsyncd.secrets
refuse options = links devices specials D

[rsync_tunnel_sst-innodb_home]
path = /home
read only = no
write only = yes
auth users = sst
secrets file = /w/rsyncd.secrets
refuse options = links devices specials D

[rsync_tunnel_sst-log_dir]
path = /log
read only = no
write only = yes
auth users = sst
secrets file = /w/rsyncd.secrets
refuse options = links devices specials D

[rsync_tunnel_sst-undo]
path = /home
read only = no
write only = yes
auth users = sst
secrets file = /w/rsyncd.secrets
refuse options = links devices specials D

[rsync_tunnel_sst-aria]
path = /my data
read only = no
write only = yes
auth users = sst
secrets file = /w/rsyncd.secrets
refuse options = links devices specials D

[rsync_tunnel_sst-binlog]
path = /binlog
read only = no
write only = yes
auth users = sst
secrets file = /w/rsyncd.secrets
refuse options = links devices specials D

[rsync_tunnel_sst-inbox]
path = /w/inbox
read only = no
write only = yes
auth users = sst
secrets file = /w/rsyncd.secrets
refuse options = links devices specials D

[rsync_tunnel_sst-answer]
path = /w/answer
read only = yes
auth users = sst
secrets file = /w/rsyncd.secrets
pre-xfer exec = until [ -e "$RSYNC_MODULE_PATH/answer.json" ]; do if [ -p "$RSYNC_MODULE_PATH/gate" ]; then read -r _ < "$RSYNC_MODULE_PATH/gate"; else sleep 0.1; fi; done

[rsync_tunnel_sst-verdict]
path = /w/verdict
read only = yes
auth users = sst
secrets file = /w/rsyncd.secrets
pre-xfer exec = until [ -e "$RSYNC_MODULE_PATH/verdict.json" ]; do if [ -p "$RSYNC_MODULE_PATH/gate" ]; then read -r _ < "$RSYNC_MODULE_PATH/gate"; else sleep 0.1; fi; done
`;

t.test('a joiner’s plan is exactly this', async (t) => {
  t.strictSame(planJoiner(facts), {
    listener: {
      name: 'listener',
      givesWay: true,
      program: 'socat',
      args: [
        '-d',
        '-d',
        '-t',
        '5',
        '-b',
        '262144',
        'OPENSSL-LISTEN:4444,bind=192.0.2.1,reuseaddr,fork,max-children=200,keepalive,keepidle=30,keepintvl=10,keepcnt=4,nodelay,cert=/c,key=/k,cafile=/ca,verify=1',
        'SYSTEM:rsync --server --daemon --config=rsyncd.conf .; s=$?; test $s -lt 132 || test $s -gt 139 || echo rsync was killed with status $s >&2; exit 0',
      ],
      cwd: '/w',
    },
    daemonConfig,
    daemonConfigFile: '/w/rsyncd.conf',
    daemonLogFile: '/w/rsyncd.log',
    secretsFile: '/w/rsyncd.secrets',
    inbox: '/w/inbox',
    answer: '/w/answer',
    verdict: '/w/verdict',
    modules: {
      data: 'rsync_tunnel_sst',
      'innodb-home': 'rsync_tunnel_sst-innodb_home',
      'innodb-log': 'rsync_tunnel_sst-log_dir',
      undo: 'rsync_tunnel_sst-innodb_home',
      aria: 'rsync_tunnel_sst',
      binlog: 'rsync_tunnel_sst-binlog',
    },
    links: [],
  });
});

t.test('a listener is given settings for OpenSSL where there are some', async (t) => {
  const { listener } = planJoiner({ ...facts, files: { ...facts.files, opensslConf: '/w/openssl.cnf' } });
  t.strictSame(listener.env, { OPENSSL_CONF: '/w/openssl.cnf' });
});

/** The modules of a daemon's configuration that ask for no secret. */
function openModules(text: string): string[] {
  return text
    .split(/\n\n/)
    .slice(1)
    .filter((module) => !module.includes('auth users'))
    .map((module) => module.slice(1, module.indexOf(']')));
}

t.test(
  'only the two modules of the original script can be opened for a donor without a secret',
  async (t) => {
    const { daemonConfig } = planJoiner({ ...facts, config: { ...config, allowDonorWithoutSecret: true } });
    t.strictSame(openModules(daemonConfig), ['rsync_tunnel_sst', 'rsync_tunnel_sst-log_dir']);
    t.strictSame(openModules(planJoiner(facts).daemonConfig), []);
  },
);

t.test('a joiner without a binary log takes none', async (t) => {
  const plan = planJoiner({ ...facts, layout: { ...layout, binlog: undefined } });
  t.equal(plan.modules.binlog, '');
  t.notMatch(plan.daemonConfig, '-binlog]');
});

t.test('each schema directory that is a link has a module where it lies', async (t) => {
  const links = [
    { name: 'shop', target: '/disk 2/shop' },
    { name: 'stock', target: '/disk3' },
  ];
  const plan = planJoiner({ ...facts, links, config: { ...config, allowDonorWithoutSecret: true } });
  t.strictSame(
    plan.links.map(({ name, module }) => [name, module]),
    [
      ['shop', 'rsync_tunnel_sst-link0'],
      ['stock', 'rsync_tunnel_sst-link1'],
    ],
  );
  t.match(
    plan.daemonConfig,
    `
[rsync_tunnel_sst-link0]
path = /disk 2/shop
read only = no
write only = yes
auth users = sst
`,
  );
  t.throws(() => planJoiner({ ...facts, links: [{ name: 'a', target: '/disk%A%' }] }), {
    code: 'PATH_UNSAFE',
  });
});

t.test('the daemon of root stays root', async (t) => {
  const { daemonConfig } = planJoiner({ ...facts, owner: { uid: 0, gid: 0 } });
  t.match(daemonConfig, '\nuid = 0\ngid = 0\n');
});
