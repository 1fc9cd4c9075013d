import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Test } from 'tap';
import { readLines } from '../../src/processes/lines.js';
import { freePort } from '../certificates/given.js';
import { serverUser } from '../sst-script/bare-node.js';
import { Material } from '../sst-script/material.js';
import { lockTables, startDonor, waitingPair } from '../sst-script/pair.js';
import { blocksOf, yamlBlocksOf } from './blocks.js';

t.setTimeout(120_000);

interface Container {
  readonly name: string;
  readonly command?: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
}

interface Probe {
  readonly exec: { readonly command: readonly string[] };
}

const page = readFileSync(new URL('../../../docs/containers.md', import.meta.url), 'utf8');
const [{ spec }] = yamlBlocksOf(page) as [
  {
    readonly spec: {
      readonly securityContext: Readonly<Record<string, number>>;
      readonly containers: readonly Container[];
      readonly volumes: readonly { readonly name: string }[];
    };
  },
];
const container = (name: string): Container => spec.containers.find((one) => one.name === name)!;
const [server, sidecar] = [container('mariadb'), container('sst-agent')];
const program = fileURLToPath(new URL('../../bin/galera-sst-tunnel.js', import.meta.url));

/** The volumes of the pod as directories of this host, and its commands on the path. */
async function pod(t: Test) {
  // A socket's path is short: not in the test's own directory.
  const dir = mkdtempSync(join(tmpdir(), 'pod-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  chmodSync(dir, 0o755);
  const places = new Map([['0.0.0.0:9469', `127.0.0.1:${await freePort()}`]]);
  for (const { name, mountPath } of sidecar.volumeMounts) {
    places.set(mountPath, join(dir, name));
    mkdirSync(join(dir, name));
    chownSync(join(dir, name), 0, serverUser.gid);
    // As the root of an emptyDir is with fsGroup.
    chmodSync(join(dir, name), 0o2777);
  }
  mkdirSync(join(dir, 'bin'));
  writeFileSync(join(dir, 'bin/galera-sst-tunnel'), `#!/bin/sh\nexec ${process.execPath} ${program} "$@"\n`, {
    mode: 0o755,
  });
  const here = (text: string): string =>
    [...places].reduce((before, [from, to]) => before.replaceAll(from, to), text);
  const mysqlSocket = join(dir, 'mysqld.sock');
  // Counts more than what this host's option files say.
  writeFileSync(join(dir, '.my.cnf'), `[client]\nsocket=${mysqlSocket}\n`, { mode: 0o644 });
  /** As the kubelet does: the command with the container's variables, as the pod's user. */
  const inside = ({ env }: Container, command: readonly string[]) => {
    const [file = '', ...args] = command.map(here);
    const variables = Object.fromEntries(env.map(({ name, value }) => [name, here(value)]));
    const path = `${join(dir, 'bin')}:${process.env['PATH']}`;
    const surroundings = { PATH: path, HOME: dir, ...variables };
    return { file, args, options: { ...serverUser, env: surroundings } } as const;
  };
  const run = (where: Container, command: readonly string[]) => {
    const { file, args, options } = inside(where, command);
    return spawnSync(file, args, { ...options, encoding: 'utf8', timeout: 30_000 });
  };
  return { dir, here, inside, run, mysqlSocket };
}

t.test('both containers mount what the sidecar has to share, and mean the same socket', async (t) => {
  const mounts = (one: Container): string[] =>
    one.volumeMounts.map(({ name, mountPath }) => `${name} ${mountPath}`);
  t.strictSame(
    mounts(server).filter((mount) => !mounts(sidecar).includes(mount)),
    [],
  );
  const socketOf = ({ env }: Container): string | undefined =>
    env.find(({ name }) => name === 'GALERA_SST_TUNNEL_SOCKET')?.value;
  t.match(socketOf(server), /^\/run\/galera-sst-tunnel\/agent\//);
  t.equal(socketOf(sidecar), socketOf(server));
});

t.test('the sidecar does the transfers of the server, and its probes say that it lives', async (t) => {
  const { run, inside, here } = await pod(t);
  const live = (): number | null => run(sidecar, sidecar.livenessProbe.exec.command).status;
  t.equal(live(), 111, 'nobody answers yet');
  const { file, args, options } = inside(sidecar, sidecar.command!);
  const agent = spawn(file, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(agent, 'exit');
  const log: string[] = [];
  t.teardown(async () => {
    agent.kill('SIGTERM');
    await exited;
  });
  await new Promise<void>((resolve, reject) => {
    readLines(agent.stderr, (line) => {
      log.push(line);
      if (line.includes('agent ready')) resolve();
    });
    void exited.then(() => reject(new Error(log.join('\n'))));
  });
  t.equal(live(), 0);
  const socket = here('/run/galera-sst-tunnel/agent/agent.sock');
  t.ok(statSync(socket).isSocket());
  t.equal(statSync(here('/run/galera-sst-tunnel')).mode & 0o7777, 0o2777, 'as the volume is');
  const checked = run(server, ['galera-sst-tunnel', 'check', '--json']);
  const { sections } = JSON.parse(checked.stdout) as { sections: { name: string; status: string }[] };
  t.equal(sections.find(({ name }) => name === 'agent')?.status, 'ok');

  const material = await Material.create();
  t.teardown(() => material.destroy());
  const env = { GALERA_SST_TUNNEL_SOCKET: socket };
  const pair = await waitingPair(t, material, {
    joinerEnv: env,
    prepare: (joiner, donor) => {
      for (const node of [joiner, donor]) node.configure(material.groups({}, { tmpdir: node.tmpDir }));
      joiner.file('data/.my-healthcheck.cnf', 'its own');
      donor.file('data/.my-healthcheck.cnf', "the donor's");
    },
  });
  const donating = startDonor(pair, { env });
  await lockTables(donating, pair);
  t.strictSame([await donating.ended, await pair.joining.ended], [0, 0]);
  t.notMatch([...donating.stderr, ...pair.joining.stderr].join('\n'), /does the transfer itself/);
  t.equal(readFileSync(join(pair.joiner.dataDir, '.my-healthcheck.cnf'), 'utf8'), 'its own');
  t.match(run(sidecar, ['galera-sst-tunnel', 'history']).stdout, /joiner[^]*donor|donor[^]*joiner/);
  t.strictSame(
    log.filter((line) => line.includes('AGENT_UNTRUSTED')),
    [],
  );
});

t.test('a server that gets a copy is alive, one that is gone is not', async (t) => {
  const { run, here } = await pod(t);
  for (const probe of ['startupProbe', 'livenessProbe'] as const) {
    const { command } = server[probe].exec;
    t.not(run(server, command).status, 0, probe);
    writeFileSync(here('/var/lib/mysql/sst_in_progress'), '');
    t.equal(run(server, command).status, 0, probe);
    rmSync(here('/var/lib/mysql/sst_in_progress'));
  }
});

t.test("a node is ready when it is Synced, with the page's account and not without", async (t) => {
  const { dir, run, mysqlSocket } = await pod(t);
  const dataDir = join(dir, 'database');
  mkdirSync(dataDir);
  chownSync(dataDir, serverUser.uid, serverUser.gid);
  chownSync(dir, serverUser.uid, serverUser.gid);
  const words = ['--no-defaults', `--datadir=${dataDir}`];
  // As the entry point of the official image does.
  execFileSync(
    'mariadb-install-db',
    [...words, '--user=mysql', '--skip-test-db', '--auth-root-authentication-method=normal'],
    { stdio: 'ignore' },
  );
  const galera = async (): Promise<string[]> => [
    '--wsrep-on=ON',
    '--wsrep-new-cluster',
    '--wsrep-cluster-address=gcomm://',
    '--wsrep-provider=/usr/lib/galera/libgalera_smm.so',
    `--wsrep-provider-options=base_port=${await freePort()};gmcast.listen_addr=tcp://127.0.0.1:${await freePort()}`,
    '--wsrep-node-address=127.0.0.1',
    '--binlog-format=ROW',
    '--innodb-autoinc-lock-mode=2',
  ];
  const alone = ['--skip-networking', `--socket=${mysqlSocket}`, `--pid-file=${dir}/pid`];
  const query = (sql: string) =>
    spawnSync('mariadb', ['--no-defaults', '--user=root', `--socket=${mysqlSocket}`, '-Ne', sql], {
      encoding: 'utf8',
    });
  const state = (): string => query("SHOW STATUS LIKE 'wsrep_local_state_comment'").stdout;
  /** Gives what it said if it has ended instead. */
  const start = async (): Promise<string | undefined> => {
    const mariadbd = spawn('mariadbd', [...words, ...alone, ...(await galera())], {
      ...serverUser,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const said: string[] = [];
    readLines(mariadbd.stderr, (line) => said.push(line));
    const exited = once(mariadbd, 'exit');
    t.teardown(async () => {
      mariadbd.kill('SIGKILL');
      await exited;
    });
    while (!(existsSync(mysqlSocket) && state().includes('Synced'))) {
      if (mariadbd.exitCode !== null) return said.join('\n');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return undefined;
  };
  let failure = await start();
  // Other tests take ports, too, perhaps one that was free a moment ago.
  while (failure?.includes('Address already in use') === true) failure = await start();
  t.equal(failure, undefined);
  const { command } = server.readinessProbe.exec;
  const refused = run(server, command);
  t.not(refused.status, 0);
  t.match(refused.stderr, 'ERROR 1045');
  const account = blocksOf(page).find((block) => block.startsWith('CREATE USER'))!;
  t.equal(query(account).status, 0, account);
  t.equal(run(server, command).status, 0);
  t.equal(query('SET GLOBAL wsrep_desync=ON').status, 0);
  t.not(run(server, command).status, 0, state());
});
