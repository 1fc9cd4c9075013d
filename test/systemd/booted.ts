import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import t from 'tap';
import type { TransferStatus } from '../../src/observe/status.js';
import { findMarked } from '../../src/processes/proc.js';

// Run in a system of its own (scripts/boot), as root: the unit as it is installed.

// The unit has a /tmp of its own: what it is to see lies elsewhere.
const elsewhere = '/srv/gst';
mkdirSync(elsewhere, { recursive: true });
process.env['TMPDIR'] = elsewhere;
const { BareNode, serverUser, stateId } = await import('../sst-script/bare-node.js');
const { Material } = await import('../sst-script/material.js');

const unit = 'galera-sst-tunnel.service';
const socket = '/run/galera-sst-tunnel/agent.sock';
t.setTimeout(220_000);
t.jobs = 1;

const sh = (command: string): string => execFileSync('sh', ['-c', command], { encoding: 'utf8' }).trim();
const property = (name: string): string => sh(`systemctl show --property=${name} --value ${unit}`);
const journal = (): string => sh(`journalctl --unit ${unit} --output cat --no-pager`);

/** What systemd says that it is told of the unit, while it says such things. */
const messages = (): string =>
  sh(`journalctl _PID=1 --output cat --no-pager --grep "^${unit}: Got notification message" || :`);
const noteMessages = (): string => sh('systemctl log-level debug');
const noteNoMessages = (): string => sh('systemctl log-level info');

async function until<Value>(find: () => Value | undefined): Promise<Value> {
  for (;;) {
    const found = find();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const material = await Material.create();
const [joiner, donor] = [await BareNode.create(), await BareNode.create()];
for (let table = 0; table < 6; table++)
  donor.file(`data/shop/t${table}.ibd`, Buffer.alloc(1_000_000, table + 1));
joiner.configure(material.groups());
donor.configure(material.groups({}, { rlimit: '1m', precopy: '1' }));

sh('PREFIX=/usr/local scripts/install');
mkdirSync(`/etc/systemd/system/${unit}.d`);
// Short, so that its end is seen; nothing else differs from what an administrator has.
writeFileSync(`/etc/systemd/system/${unit}.d/test.conf`, '[Service]\nWatchdogSec=4s\nRestartSec=100ms\n');
writeFileSync('/etc/default/galera-sst-tunnel', `AGENT_OPTIONS=--server=${donor.optionFile}\n`);
mkdirSync('/home/someone', { recursive: true });
writeFileSync('/home/someone/file', 'theirs');
sh('systemctl daemon-reload');

t.test('it is started when scripts can reach it, as the user of the server', async (t) => {
  sh(`systemctl start ${unit}`);
  t.ok(statSync(socket).isSocket(), 'at once');
  t.equal(sh(`stat -c %a:%U:%G ${socket}`), '660:mysql:mysql');
  t.equal(property('ActiveState'), 'active');
  const { pid, state } = JSON.parse(sh(`curl -sS --unix-socket ${socket} http://agent/v1/health`)) as {
    pid: number;
    state: string;
  };
  t.equal(state, 'ready');
  t.equal(String(pid), property('MainPID'));
  t.equal(statSync(`/proc/${pid}`).uid, serverUser.uid);
  t.match(property('StatusText'), /^waiting for transfers/);
});

/** A number of a process's `stat`, counted as in proc(5); NaN once it has ended. */
function statOf(pid: number | string, field: number): number {
  const stat = ofProcess(pid, 'stat') ?? '';
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[field - 3]);
}

t.test('idle it needs little memory, and no time', async (t) => {
  const pid = property('MainPID');
  const residentMb = (): number =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1.024e-3;
  const ticks = (): number => statOf(pid, 14) + statOf(pid, 15);
  // What was needed at the start is given back a while later.
  for (let second = 0; residentMb() > 70 && second < 20; second++)
    await new Promise((resolve) => setTimeout(resolve, 1000));
  t.ok(residentMb() <= 70, `${residentMb().toFixed(1)} MB`);
  const before = ticks();
  await new Promise((resolve) => setTimeout(resolve, 5000));
  // A sign of life is sent every 2 s here, every minute as a rule.
  t.ok(ticks() - before <= 5, `${ticks() - before} hundredths of a second in 5 s`);
});

t.test('a reload is shown while it lasts, and what came of it', async (t) => {
  noteMessages();
  sh(`systemctl reload ${unit}`);
  await until(() => (/^reloaded, /.test(property('StatusText')) ? true : undefined));
  await until(() => (property('ActiveState') === 'active' ? true : undefined));
  t.match(property('StatusText'), /^reloaded, \d servers? checked; waiting for transfers/);
  const told = await until(() => /RELOADING=1, MONOTONIC_USEC=\d+[^]*READY=1/.exec(messages())?.[0]);
  t.ok(told, 'systemd is told when it begins, and when it has ended');
  noteNoMessages();
  writeFileSync(`${donor.optionFile}.kept`, readFileSync(donor.optionFile));
  writeFileSync(donor.optionFile, '[sst\n');
  sh(`systemctl reload ${unit}`);
  await until(() => (/^reload failed/.test(property('StatusText')) ? true : undefined));
  t.match(property('StatusText'), /^reload failed, what was read before stays in use: /);
  writeFileSync(donor.optionFile, readFileSync(`${donor.optionFile}.kept`));
});

t.test('inside the sandbox both sides of a transfer work, and systemd shows how far it is', async (t) => {
  const joining = joiner.start('joiner');
  const { auth, address } = await joining.ready();
  const giving = donor.start('donor', { address, env: { WSREP_SST_OPT_REMOTE_AUTH: auth } });
  await giving.said(/phase: copying/);
  const shown = await until(() => /donor to \S+: [^;]*\(\d+\.\d %\)/.exec(property('StatusText'))?.[0]);
  t.match(shown, / of /, shown);
  const marked = findMarked(giving.transferId() ?? '');
  t.ok(marked.length > 2, 'there are processes of the transfer');
  // Some, like that of a message, end meanwhile.
  const groups = marked.flatMap((pid) => ofProcess(pid, 'cgroup') ?? []);
  t.ok(groups.length > 0, 'there are some yet');
  for (const group of groups) t.match(group, unit, 'in the cgroup of the unit');
  t.ok(
    marked.some((pid) => statOf(pid, 19) === 10 && statOf(pid, 41) === 3),
    'what copies gives way: a nice value of 10, SCHED_BATCH',
  );
  await giving.said(/^flush tables$/);
  donor.file('data/tables_flushed', `${stateId}:42 0\n`);
  t.equal(await giving.ended, 0, 'the donor succeeds', { log: giving.stderr });
  t.equal(await joining.ended, 0, 'the joiner succeeds', { log: joining.stderr });
  t.notMatch([...giving.stderr, ...joining.stderr].join('\n'), /does the transfer itself/);
  const past = JSON.parse(sh('galera-sst-tunnel history --json')) as TransferStatus[];
  t.strictSame(past.map(({ role, outcome }) => [role, outcome?.kind]).sort(), [
    ['donor', 'copied'],
    ['joiner', 'copied'],
  ]);
  t.ok(existsSync('/var/lib/galera-sst-tunnel/history.ndjson'));
  await until(() => (/^waiting for transfers/.test(property('StatusText')) ? true : undefined));
});

t.test('the sandbox keeps it from the system', async (t) => {
  const pid = property('MainPID');
  const inside = (command: string): string =>
    sh(`nsenter --target ${pid} --mount setpriv --reuid 0 sh -c '${command}' 2>&1 || :`);
  t.match(inside('touch /usr/x'), /Read-only file system/);
  t.match(inside('cat /home/someone/file'), /No such file|Permission denied/);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  t.match(status, /^CapEff:\t0+$/m, 'no capability');
  t.match(status, /^NoNewPrivs:\t1$/m);
  t.match(status, /^Seccomp:\t2$/m);
});

t.test('signs of life keep it running, and without them it is started anew', async (t) => {
  const pid = property('MainPID');
  t.equal(property('NRestarts'), '0', 'the transfer took longer than the watchdog waits');
  sh(`kill -STOP ${pid}`);
  await until(() =>
    property('NRestarts') === '1' && property('ActiveState') === 'active' ? true : undefined,
  );
  t.not(property('MainPID'), pid);
  t.match(journal(), /Watchdog timeout/);
  t.match(sh('galera-sst-tunnel history'), /copied/, 'what is kept is still there');
});

t.test('a stop ends what runs, in order', async (t) => {
  const joining = joiner.start('joiner');
  await joining.ready();
  t.notMatch(messages(), 'STOPPING=1');
  noteMessages();
  sh(`systemctl stop ${unit}`);
  t.equal(await joining.ended, 3);
  t.ok(await until(() => /STOPPING=1/.exec(messages())?.[0]), 'systemd is told that it ends');
  noteNoMessages();
  t.match(joining.errors(), [/INTERRUPTED: the agent was stopped by SIGTERM/]);
  t.equal(property('Result'), 'success');
  t.notOk(existsSync(socket));
  t.match(journal(), /agent stopping/);
  t.match(journal(), /agent stopped/);
  t.strictSame(findMarked(joining.transferId() ?? ''), []);
  for (const node of [joiner, donor]) await node.destroy();
  material.destroy();
});

/** Undefined once it has ended. */
function ofProcess(pid: number | string, file: 'cgroup' | 'stat'): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}
