import { spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { errorTable, type ErrorCode } from '../../src/errors.js';
import { BareNode, stateId, type RunOptions, type ScriptRun } from './bare-node.js';
import { Material } from './material.js';

const cli = fileURLToPath(new URL('../../bin/galera-sst-tunnel.js', import.meta.url));
const material = await Material.create();
t.teardown(() => material.destroy());
t.setTimeout(300_000);

type Options = Readonly<Record<string, string>>;

/** How donor and joiner are set up; the same on both, as in most clusters. */
interface Setup {
  readonly title: string;
  readonly sst?: Options;
  readonly mysqld?: Options;
  /** Makes what the options need. */
  readonly prepare?: (node: BareNode) => void;
  readonly args?: readonly string[];
  /** Joiner's own address. */
  readonly host?: string;
  /** What the plan has to show, so that the case is what its title says. */
  readonly shows: readonly RegExp[];
}

const { cert, key } = material.good;
const keyLast = material.write('bundle.pem', `${readFileSync(cert, 'utf8')}${readFileSync(key, 'utf8')}`);
const keyFirst = material.write('odd.pem', `${readFileSync(key, 'utf8')}${readFileSync(cert, 'utf8')}`);
const spellings = await material.issue('spellings', {
  commonName: 'any',
  dnsNames: ['localhost', 'LOCALHOST'],
});

const setups: readonly Setup[] = [
  { title: 'nothing but certificates', shows: [/commonname=127\.0\.0\.1/, /--checksum-choice=none/] },
  {
    title: 'streams, a limit for silence, socket options, a bundle, a tmpdir with a space',
    sst: {
      'backup-threads': '2',
      'sst-idle-timeout': '77',
      sockopt: 'keepidle=5,cipher=ALL,commonname=node1.my.cluster',
      ...{ tcert: keyLast, tkey: '', tmpdir: 'TMP DIR' },
    },
    prepare: (node) => void node.directory('TMP DIR'),
    shows: [
      ...[
        /files-from - .*\n.*\n.*files-from - /,
        /--timeout=77 /,
        /keepidle=5/,
        /commonname=node1\.my\.cluster/,
      ],
      /TMP DIR\/galera-sst-tunnel-XXXXXX/,
    ],
  },
  {
    title: 'a host name, which the certificate has in several spellings',
    sst: { tcert: spellings.cert, tkey: spellings.key },
    host: 'localhost',
    shows: [/commonname=localhost/],
  },
  {
    title: 'a chain without names, a bundle in the other order, and a tmpdir that is empty',
    sst: { 'ssl-mode': 'VERIFY_CA', tmpdir: '', tcert: keyFirst, tkey: '' },
    shows: [/commonname=,no-sni=1/, /\/tmp\/galera-sst-tunnel-XXXXXX/],
  },
  {
    title: 'no verification, directories of their own, and a table with holes',
    sst: { sockopt: 'verify=0' },
    mysqld: {
      innodb_log_group_home_dir: 'REDO',
      innodb_undo_directory: 'UNDO',
      aria_log_dir_path: 'ARIA',
      innodb_data_home_dir: 'HOME',
    },
    prepare: (node) => {
      for (const name of ['REDO', 'UNDO', 'ARIA', 'HOME']) node.directory(name);
      node.file('REDO/ib_logfile0', 'l'.repeat(3000));
      node.file('UNDO/undo001', 'u'.repeat(2000));
      node.file('ARIA/aria_log_control', 'a'.repeat(52));
      node.file('HOME/ibdata1', 'i'.repeat(4000));
      const table = node.file('data/shop/sparse.ibd', '');
      truncateSync(table, 4_000_000);
      appendFileSync(table, 'x');
    },
    shows: [
      ...[/verify=0/, /--sparse/, /rsync_tunnel_sst-undo/],
      ...[/rsync_tunnel_sst-aria/, /rsync_tunnel_sst-innodb_home/],
    ],
  },
  {
    title: 'passes before the lock, and a compressor',
    sst: { precopy: '2', compressor: 'zstd' },
    // A table that is being written: what was sent of it is sent again.
    prepare: (node) => {
      utimesSync(join(node.dataDir, 'shop/orders.ibd'), new Date(), new Date(Date.now() + 3_600_000));
    },
    shows: [
      /pass-1-stream-1\.list.* --ignore-missing-args .*--compress-choice=zstd/,
      /--files-from - --from0 --no-whole-file .*--compress-choice=zstd/,
    ],
  },
  { title: 'an IST', args: ['--bypass'], shows: [/^((?!files-from)[\s\S])*$/] },
];

t.test('plan prints what a transfer then runs, with', (t) => {
  t.jobs = 2;
  for (const setup of setups) {
    t.test(setup.title, { buffered: true }, async (t) => {
      const [joiner, donor] = [await nodeOf(t, setup), await nodeOf(t, setup)];
      const address = `${setup.host ?? '127.0.0.1'}:${joiner.port}`;
      const planJoiner = plan(joiner, 'joiner', address);
      t.equal(planJoiner.status, 0, planJoiner.out + planJoiner.err);
      const joining = joiner.start('joiner', { address });
      const ready = await joining.ready();
      await joining.said(/ listener: /);
      t.same(listenersOf(joining.stderr), commandsOf(planJoiner.out), 'the listener');
      const config = daemonConfigOf(listenersOf(joining.stderr, false)[0] ?? '');
      t.same(config, plannedDaemonConfig(planJoiner.out), "the daemon's configuration");

      const planDonor = plan(donor, 'donor', ready.address, setup.args);
      t.equal(planDonor.status, 0, planDonor.out + planDonor.err);
      for (const shown of setup.shows) t.match(planJoiner.out + planDonor.out, shown);
      const giving = donor.start('donor', {
        address: ready.address,
        env: { WSREP_SST_OPT_REMOTE_AUTH: ready.auth },
        args: setup.args ?? [],
      });
      if (setup.args === undefined) {
        await giving.said(/^flush tables$/);
        donor.file('data/tables_flushed', `${stateId}:42 0\n`);
      }
      t.equal(await giving.ended, 0, giving.stderr.join('\n'));
      t.equal(await joining.ended, 0, joining.stderr.join('\n'));
      t.notMatch([...joining.stderr, ...giving.stderr].join('\n'), / says: /, 'no child has a word to add');
      t.same(
        ranBy(giving),
        [...new Set(commandsOf(planDonor.out))].filter(runsAlways).sort(),
        "the donor's commands",
      );
    });
  }
  t.end();
});

/** What makes a transfer fail before it does anything, by the error that it ends with. */
const refusals: readonly {
  title: string;
  code: ErrorCode;
  role?: 'donor';
  sst?: Options;
  run?: RunOptions;
  prepare?: (node: BareNode, t: Test) => unknown;
}[] = [
  { title: 'a tmpdir that does not exist', code: 'DIRECTORY_MISSING', sst: { tmpdir: '/nowhere' } },
  {
    title: 'a tmpdir that is a file',
    code: 'DIRECTORY_NOT_WRITABLE',
    sst: { tmpdir: 'PLAIN' },
    prepare: (node) => node.file('PLAIN', '', 0o777),
  },
  { title: 'a tmpdir that may not be written', code: 'DIRECTORY_NOT_WRITABLE', sst: { tmpdir: '/usr' } },
  {
    title: 'an empty tmpdir, and a TMPDIR that does not exist',
    code: 'DIRECTORY_MISSING',
    sst: { tmpdir: '' },
    run: { env: { TMPDIR: '/nowhere' } },
  },
  { title: 'a certificate that is missing', code: 'CERTIFICATE_MISSING', sst: { tcert: '/nowhere.crt' } },
  {
    title: 'a claim that cannot be read',
    code: 'ALREADY_RUNNING',
    prepare: (node) => {
      const claim = join(node.dataDir, '.galera-sst-tunnel.json');
      writeFileSync(claim, '{}');
      chmodSync(claim, 0o600);
    },
  },
  {
    title: 'a transfer that runs',
    code: 'ALREADY_RUNNING',
    prepare: (node) => node.start('joiner').ready(),
  },
  {
    title: 'a port that another node has',
    code: 'PORT_BUSY',
    prepare: async (node, t) => {
      const other = await nodeOf(t, {});
      await other.start('joiner', { address: node.address }).ready();
    },
  },
];

t.test('plan ends as a transfer would, with', (t) => {
  t.jobs = 2;
  for (const { title, code, sst = {}, run = {}, prepare } of refusals) {
    t.test(title, { buffered: true }, async (t) => {
      const node = await nodeOf(t, { sst });
      await prepare?.(node, t);
      const { status, out, err } = plan(node, 'joiner', node.address, [], run.env);
      const script = node.start('joiner', run);
      const [line = ''] = await script.ended.then(() => script.errors());
      const said = / \[ERROR\] (.*) \(\d{8} [\d:.]+\)$/.exec(line)?.[1];
      t.match(said, new RegExp(`^${code}: `), script.stderr.join('\n'));
      t.equal(/^# error: (.*)$/m.exec(out)?.[1], said, out + err);
      t.equal(status, errorTable[code].exit);
      t.equal(await script.ended, status);
    });
  }
  t.end();
});

async function nodeOf(t: Test, { sst = {}, mysqld = {}, prepare }: Partial<Setup>): Promise<BareNode> {
  const node = await BareNode.create();
  t.teardown(() => node.destroy());
  prepare?.(node);
  const here = (options: Options): Options =>
    Object.fromEntries(
      Object.entries(options).map(([name, value]) => [name, value.replace(/^(?=[A-Z ]+$)/, `${node.dir}/`)]),
    );
  node.configure(material.groups({}, here(sst), here(mysqld)));
  return node;
}

/** The plan as the server's user sees it. */
function plan(
  node: BareNode,
  role: 'joiner' | 'donor',
  address: string,
  more: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): { status: number | null; out: string; err: string } {
  const asServer = ['--reuid', 'mysql', '--regid', 'mysql', '--clear-groups', process.execPath, cli];
  const given = ['--address', address, `--datadir=${node.dataDir}`, `--defaults-file=${node.optionFile}`];
  const { status, stdout, stderr } = spawnSync('setpriv', [...asServer, 'plan', role, ...given, ...more], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', TMPDIR: node.tmpDir, ...env },
    cwd: '/',
  });
  return { status, out: stdout, err: stderr };
}

const anyDirectory = (line: string): string =>
  line.replace(/(galera-sst-tunnel-)[A-Za-z0-9]{6}\b/g, '$1XXXXXX');

/** The commands that a plan shows, secrets left out as in a log. */
function commandsOf(text: string): string[] {
  return text.split('\n').filter((line) => /^(cd |socat |GALERA_SST_TUNNEL_TO=)/.test(line));
}

/** The rsyncd.conf that a joiner's plan shows. */
function plannedDaemonConfig(text: string): string[] {
  return (/^# rsyncd\.conf in .*\n([\s\S]*?)\n\n# listener$/m.exec(text)?.[1] ?? '').split('\n');
}

/** Whether and how often they run depends on times: messages that say how much there is to send, or how far the joiner is. */
const runsAlways = (command: string): boolean => !/\/(total|verifying)\.json /.test(command);

/** What the log says was run, each command once: a sign of life is given as often as one is due. */
function ranBy(run: ScriptRun): string[] {
  const shown = run.stderr.flatMap(
    (line) =>
      /\[INFO\] (?:[\w .]+: (?=GALERA_SST_TUNNEL_TO=)|each rsync below speaks through: )(.*) \(\d{8} [\d:.]+\)$/.exec(
        line,
      )?.[1] ?? [],
  );
  // How near the joiner is decides about this one, which no plan knows.
  const planned = shown.map((command) => command.replace(/,setsockopt-listen=6:13:x[0-9a-f]+/, ''));
  return [...new Set(planned.map(anyDirectory))].filter(runsAlways).sort();
}

function listenersOf(log: readonly string[], isComparable = true): string[] {
  return log.flatMap((line) => {
    const shown = /\[INFO\] listener: (.*) \(\d{8} [\d:.]+\)$/.exec(line)?.[1];
    if (shown === undefined) return [];
    return isComparable ? anyDirectory(shown) : shown;
  });
}

/** The configuration that a running listener's daemon reads. */
function daemonConfigOf(listener: string): string[] {
  const dir = /^cd '?(.*?)'? && /.exec(listener)?.[1] ?? '';
  return anyDirectory(readFileSync(join(dir, 'rsyncd.conf'), 'utf8'))
    .trimEnd()
    .split('\n');
}
