import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { AgentStatus } from '../../src/control/client-interface.js';
import { compareNodes, Lab, labCertificates, seedBulk } from '../lab/index.js';

// Run in a Debian 13 of its own (scripts/boot-trixie), as root, with the packages in $GST_SHARED.

const packages = process.env['GST_SHARED'] ?? '';
const [older, newer] = ['1', '2'].map((revision) => {
  const name = readdirSync(packages).find((one) => one.endsWith(`-${revision}_all.deb`));
  return join(packages, name ?? 'none');
});
const unit = 'galera-sst-tunnel.service';

t.setTimeout(300_000);
t.jobs = 1;

const sh = (command: string): string => execFileSync('sh', ['-c', command], { encoding: 'utf8' }).trim();
const isActive = (): boolean => spawnSync('systemctl', ['is-active', '--quiet', unit]).status === 0;
const status = (): AgentStatus & { pid: number; state: string } =>
  JSON.parse(sh('galera-sst-tunnel status --json')) as AgentStatus & { pid: number; state: string };

async function until<Value>(find: () => Value | undefined): Promise<Value> {
  for (;;) {
    const found = find();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function agentStatus(): ReturnType<typeof status> | undefined {
  try {
    return status();
  } catch {
    return undefined;
  }
}

t.test('the package installs, and its service runs and is enabled', async (t) => {
  sh(`dpkg --install ${older ?? ''}`);
  t.equal(sh(`systemctl is-enabled ${unit}`), 'enabled');
  await until(agentStatus);
  t.ok(isActive());
  t.equal(sh(`systemctl show --property=User --value ${unit}`), 'mysql');
  t.match(sh('galera-sst-tunnel --version'), /^\d+\.\d+\.\d+/);
  t.match(
    sh('setpriv --reuid mysql --regid mysql --clear-groups galera-sst-tunnel history'),
    /no transfer yet/,
  );
  t.equal(sh(`systemctl show --property=NRestarts --value ${unit}`), '0');
  t.equal(sh('stat -c %a:%U:%G /run/galera-sst-tunnel/agent.sock'), '660:mysql:mysql');
});

t.test('the completion completes', async (t) => {
  const completed = (words: string): string =>
    sh(`bash -c '. /usr/share/bash-completion/completions/galera-sst-tunnel
      COMP_WORDS=(galera-sst-tunnel ${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _galera_sst_tunnel
      echo "\${COMPREPLY[*]}"'`);
  t.equal(completed('thr'), 'throttle');
  t.equal(completed('plan j'), 'joiner');
  t.match(completed('status --w'), /^--watch$/);
});

t.test('an upgrade during a transfer lets it finish, and the agent starts again', async (t) => {
  const lab = await Lab.create({ root: '/srv/lab', mode: 'loopback' });
  t.teardown(() => lab.destroy());
  const [donor, joiner] = [lab.node(1), lab.node(2)];
  const certificates = await labCertificates(
    join(lab.root, 'certs'),
    [donor, joiner].map(({ name, address }) => ({ name, names: [address] })),
  );
  const optionsOf = (node: typeof donor) => ({
    sstMethod: 'rsync_tunnel',
    path: ['/usr/bin'],
    certificates: certificates[node.name]!,
    groups: { sst: { rlimit: '20m', compressor: 'none' } },
  });
  await donor.start({ ...optionsOf(donor), bootstrap: true });
  await donor.waitFor('Synced');
  await seedBulk(donor, { bytes: 300e6 });
  await joiner.start(optionsOf(joiner));
  const before = await until(() => {
    const all = agentStatus();
    const sending = all?.transfers.some(({ role, bytesDone }) => role === 'donor' && bytesDone > 30e6);
    return sending === true ? all : undefined;
  });
  t.equal(before.transfers.filter(({ outcome }) => outcome === undefined).length, 2, 'donor and joiner');
  sh(`dpkg --install ${newer ?? ''}`);
  const during = status();
  t.match(during, { state: 'draining', pid: before.pid }, 'the old agent goes on');
  t.equal(during.transfers.filter(({ outcome }) => outcome === undefined).length, 2, 'and the transfer');
  await joiner.waitFor('Synced', 120_000);
  t.strictSame(await compareNodes(donor, joiner), [], 'both nodes hold the same');
  for (const node of [donor, joiner]) t.notMatch(node.errorLog(), /WSREP_SST: \[ERROR\]/, node.name);
  t.notMatch(joiner.errorLog(), /does the transfer itself/);
  const after = await until(() => {
    const all = agentStatus();
    return all !== undefined && all.pid !== before.pid && all.state === 'ready' ? all : undefined;
  });
  t.not(after.pid, before.pid, 'the new version runs');
  t.ok(isActive());
  const past = JSON.parse(sh('galera-sst-tunnel history --json')) as { outcome: { kind: string } }[];
  t.strictSame(
    past.map(({ outcome }) => outcome.kind),
    ['copied', 'copied'],
    'the history of the old one is that of the new one',
  );
  await joiner.stop();
  await donor.stop();
});

t.test('an upgrade while nothing runs starts the new version', async (t) => {
  const { pid } = status();
  sh(`dpkg --install ${older ?? ''} 2>&1`);
  const next = await until(() => {
    const all = agentStatus();
    return all !== undefined && all.pid !== pid ? all : undefined;
  });
  t.equal(next.state, 'ready');
});

t.test('a service that was disabled stays so', async (t) => {
  sh(`systemctl disable --now ${unit} 2>&1`);
  sh(`dpkg --install ${newer ?? ''}`);
  t.notOk(isActive());
  t.equal(spawnSync('systemctl', ['is-enabled', unit], { encoding: 'utf8' }).stdout.trim(), 'disabled');
  sh(`systemctl enable --now ${unit} 2>&1`);
  await until(agentStatus);
});

t.test('removed, it leaves configuration and history; purged, nothing', async (t) => {
  sh('dpkg --remove galera-sst-tunnel');
  t.notOk(isActive());
  t.notOk(existsSync('/usr/bin/wsrep_sst_rsync_tunnel'));
  t.ok(existsSync('/etc/default/galera-sst-tunnel'));
  t.ok(existsSync('/var/lib/galera-sst-tunnel'));
  sh('dpkg --purge galera-sst-tunnel');
  t.equal(sh(`find / -xdev -name '*galera-sst-tunnel*' -not -path '/proc/*'`), '');
  t.match(readFileSync('/etc/passwd', 'utf8'), /^mysql:/m, "the server's user stays");
});
