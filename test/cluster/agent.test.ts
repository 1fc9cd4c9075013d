import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import type { Test } from 'tap';
import { Lab, seedBulk, settle, type LabNode } from '../lab/index.js';
import type { TransferStatus } from '../../src/observe/status.js';
import { nearMs } from '../../src/certificates/probe.js';
import { congestionControl } from '../../src/processes/congestion-control.js';
import {
  sample,
  startNodeAgent,
  throughAgent,
  untilLogged,
  untilTransfer,
  writeInVain,
  type NodeAgent,
} from './agents.js';
import { Authority } from './credentials.js';
import { boot, joins, tunnelOptions } from './tunnel.js';

t.setTimeout(400_000);

const lab = await Lab.create();
t.teardown(() => lab.destroy());
const [donor, joiner] = [lab.node(1), lab.node(2)];
const authority = await Authority.create(lab.directory('certificates'));
const agents = {
  donor: await startNodeAgent(t, lab, donor),
  joiner: await startNodeAgent(t, lab, joiner),
};
const optionsOf = async (node: LabNode, agent: NodeAgent) => {
  const options = tunnelOptions(node, await authority.certifyNode(node));
  return { ...options, environment: { ...options.environment, ...throughAgent(agent).environment } };
};
await boot(donor, await optionsOf(donor, agents.donor));
const bulkBytes = 130e6;
await seedBulk(donor, { bytes: bulkBytes, tables: 24 });
// What the server has not written yet it writes meanwhile: those tables go twice, and no forecast knows.
await settle(donor);
const start = await optionsOf(joiner, agents.joiner);

type Role = 'donor' | 'joiner';

const running = ({ outcome }: TransferStatus): boolean => outcome === undefined;
const ended = ({ outcome }: TransferStatus): boolean => outcome !== undefined;
const moving = ({ phase, bytesDone, outcome }: TransferStatus): boolean =>
  outcome === undefined && phase === 'copying' && bytesDone > 0;
const copying = (transfer: TransferStatus): boolean => moving(transfer) && transfer.bytesDone > 5e6;

/**
 * Sets `rlimit` and `precopy` for the donor's next transfer: option files are read anew for each. What is compressed comes at a rate that
 * depends on the data.
 */
function limitDonor(rate: string | undefined, precopy = 'auto'): void {
  const text = readFileSync(donor.optionFile, 'utf8').replace(
    /\n\[sst\]\nrlimit=.*\nprecopy=.*\ncompressor=none\n/g,
    '',
  );
  const options = `\n[sst]\nrlimit=${rate ?? ''}\nprecopy=${precopy}\ncompressor=none\n`;
  writeFileSync(donor.optionFile, rate === undefined ? text : `${text}${options}`);
}

interface Seen {
  readonly atMs: number;
  readonly transfer: TransferStatus;
}

/** What the agents show of one transfer from its beginning to its end. */
async function watchJoin(
  t: Test,
): Promise<{ logs: Record<Role, string>; seen: Record<Role, readonly Seen[]> }> {
  const over = new AbortController();
  const samples = [agents.donor, agents.joiner].map(({ client }) => sample(client, over.signal));
  const logs = await joins(t, { donor, joiner, start });
  over.abort();
  const [ofDonor = [], ofJoiner = []] = await Promise.all(samples);
  return { logs, seen: { donor: ofDonor, joiner: ofJoiner } };
}

t.test('a transfer, as both agents show it', async (t) => {
  // A third of a minute: what a busy machine adds is little of it.
  limitDonor('6m');
  const { logs, seen: seenBy } = await watchJoin(t);
  t.notMatch(logs.joiner + logs.donor, /does the transfer itself/);
  for (const role of ['donor', 'joiner'] as const) {
    const seen = seenBy[role];
    const shown = seen.map(({ transfer }) => transfer);
    t.match(shown.at(-1), { percent: 100, outcome: { kind: 'copied' } }, `${role}: all at the end`);
    t.equal(shown.at(-1)?.bytesDone, shown.at(-1)?.bytesExpected);
    const percents = shown.map(({ percent }) => percent ?? 0);
    t.ok(
      percents.every((percent, index) => percent >= (percents[index - 1] ?? 0)),
      `${role}: never backwards`,
    );
    const files = shown.flatMap(({ streams }) => streams.flatMap(({ file }) => file ?? []));
    t.ok(
      files.some((file) => file.endsWith('.ibd')),
      `${role}: files in progress`,
    );
    checkEta(t, role, seen);
    const progress = /WSREP_SST: \[INFO\] (sent|received) .* \(\d+\.\d %\)/;
    const lines = logs[role].split('\n').filter((line) => progress.test(line)).length;
    t.ok(lines >= 5 && lines <= 25, `${role}: ${lines} lines of progress in the server's log`);
  }
});

/** After a third of a transfer at a steady rate the forecast is what really passes until files no longer move, within a quarter. */
function checkEta(t: Test, role: string, seen: readonly Seen[]): void {
  const copied = seen.filter(({ transfer }) => transfer.phase === 'copying' && transfer.bytesDone > 0);
  const at = copied.find(({ transfer }) => (transfer.percent ?? 0) >= 34);
  const end = copied.at(-1);
  const forecast = at?.transfer.etaSeconds ?? NaN;
  const passed = ((end?.atMs ?? NaN) - (at?.atMs ?? NaN)) / 1000;
  t.ok(passed > 10, `${role}: long enough to tell`, { passed });
  t.ok(Math.abs(forecast - passed) <= 0.25 * passed, `${role}: what is left`, { forecast, passed });
}

t.test('what is kept of it', async (t) => {
  for (const [role, agent] of Object.entries(agents)) {
    const [last] = await agent.client.history();
    t.match(last, { role, outcome: { kind: 'copied' }, percent: 100 });
    const { commands, log } = await agent.client.show(last?.id ?? '');
    const names = commands.map(({ name }) => name).join('\n');
    t.match(names, role === 'donor' ? /copy stream 1/ : /socat|listener/);
    t.ok(log.some(({ text }) => text === 'phase: copying'));
    t.match(await agent.run('history'), /copied/);
    t.match(
      await agent.run('show', last?.id.slice(0, 8) ?? ''),
      role === 'donor' ? /rsync .*--files-from/ : /OPENSSL-LISTEN/,
    );
    const logged = agent.log.filter(({ transfer }) => transfer === last?.id);
    t.ok(
      logged.some(
        ({ kind, command, role: by, level }) =>
          kind === 'command' && by === role && level === 'info' && typeof command === 'string',
      ),
    );
    t.ok(
      logged.some(({ kind, exitStatus }) => kind === 'child ended' && exitStatus === 0) || role === 'joiner',
    );
    const metrics = await node(role).exec([
      'curl',
      '-sS',
      '--unix-socket',
      agent.socket,
      'http://agent/metrics',
    ]);
    t.match(metrics, new RegExp(`galera_sst_transfers_total\\{role="${role}",outcome="copied"\\} [1-9]`));
    t.match(metrics, new RegExp(`galera_sst_copied_bytes_total\\{role="${role}"\\} [1-9]`));
  }
});

const node = (role: string): LabNode => (role === 'donor' ? donor : joiner);

t.test('an agent that is started again knows what was before', async (t) => {
  const [before] = await agents.joiner.client.history();
  agents.joiner.process.kill('SIGTERM');
  t.equal(await agents.joiner.exited, 0);
  agents.joiner = await startNodeAgent(t.parent as Test, lab, joiner);
  const [after] = await agents.joiner.client.history();
  t.strictSame(after, before);
});

t.test('a rate that is changed while files move', async (t) => {
  for (const [role, agent] of Object.entries(agents)) {
    await joiner.stop();
    limitDonor('4m');
    const joined = joins(t, { donor, joiner, start });
    const { id } = await untilTransfer(agent.client, copying);
    t.match(await agent.run('throttle', '2m', id.slice(0, 8)), /at most 2\.1 MB\/s/);
    // What is on its way still arrives, and the count follows once a second.
    await rateOver(agent, 2500);
    const slow = await rateOver(agent, 4000);
    t.ok(slow < 4e6, `${role}: slower, ${slow} bytes a second`);
    if (role === 'joiner') await agents.donor.run('throttle', '0');
    t.match(await agent.run('throttle', '0'), /no limit/);
    if (role === 'joiner') {
      const [{ id: donorsId } = { id: '' }] = (await agents.donor.client.status()).transfers.filter(running);
      t.not(donorsId, '');
    }
    await joined;
    const [last] = await agent.client.history();
    t.equal(last?.id.startsWith(id.slice(0, 8)), true);
    const at4m = bulkBytes / (4 * 2 ** 20);
    t.ok((last?.ageSeconds ?? 0) < at4m, `${role}: faster than at the first rate`, {
      seconds: last?.ageSeconds,
    });
  }
  limitDonor(undefined);
});

t.test('near by, BBR gives way to what costs less', async (t) => {
  await joiner.stop();
  const { usual, allowed } = congestionControl();
  const setUsual = (name: string) => donor.exec(['sysctl', '-qw', `net.ipv4.tcp_congestion_control=${name}`]);
  // A kernel that has no BBR keeps what it has.
  const isBbr = allowed.includes('bbr');
  if (isBbr) await setUsual('bbr');
  limitDonor('6m');
  const joined = joins(t, { donor, joiner, start });
  await untilTransfer(agents.donor.client, copying);
  const sockets = await donor.exec(['ss', '-tinH', 'dport', '=', ':4444']);
  await agents.donor.run('throttle', '0');
  const { donor: log } = await joined;
  // On a busy machine it may look farther away than it is.
  const answeredMs = Number(/ shows .*, answered after ([\d.]+) ms/.exec(log)?.[1]);
  t.ok(answeredMs > 0, 'told in the log', { answeredMs });
  const near = allowed.includes('cubic') ? 'cubic' : 'reno';
  const givesWay = isBbr && answeredMs < nearMs;
  const all = sockets.split('\n').filter((line) => line.includes(' wscale:'));
  t.ok(all.length >= 2, 'a connection for each stream', { sockets });
  const used = givesWay ? near : isBbr ? 'bbr' : usual;
  for (const line of all) t.match(line.trim(), new RegExp(`^${used} `));
  const said = `congestion control is ${near} for this transfer, not the system's bbr: the joiner is near`;
  t.equal(log.includes(said), givesWay);
  if (isBbr) await setUsual(usual);
  limitDonor(undefined);
});

async function rateOver(agent: NodeAgent, ms: number): Promise<number> {
  const [before] = (await agent.client.status()).transfers.filter(running);
  await new Promise((resolve) => setTimeout(resolve, ms));
  const [after] = (await agent.client.status()).transfers.filter(running);
  return (((after?.bytesDone ?? 0) - (before?.bytesDone ?? 0)) / ms) * 1000;
}

t.test('an abort on either side under the lock frees the donor at once and leaves nothing', async (t) => {
  for (const agent of [agents.donor, agents.joiner]) {
    await joiner.stop();
    // All of it under the lock, for more than a minute: what waits no longer has been let go.
    limitDonor('1500k', 'off');
    await joiner.start({ ...start, data: 'empty' });
    const { id } = await untilTransfer(agent.client, moving);
    await untilTransfer(agents.donor.client, (transfer) => moving(transfer) && transfer.lockSeconds > 0);
    const { done: written } = await writeInVain(donor);
    const logged = donor.errorLog().length;
    const asked = Date.now();
    await agent.run('abort', id.slice(0, 8));
    await written;
    // At once but for what a busy machine adds.
    t.ok(Date.now() - asked < 10_000, `writes go on after ${Date.now() - asked} ms`);
    t.ok(await untilLogged(donor, logged, /told the server to continue/));
    await untilTransfer(agents.donor.client, ended);
    await untilTransfer(agent.client, (transfer) => transfer.id === id && ended(transfer));
    t.match(await agent.client.show(id), { status: { outcome: { kind: 'failed', code: 'INTERRUPTED' } } });
    await joiner.waitForExit();
    await donor.waitFor('Synced', 30_000);
  }
  limitDonor(undefined);
  await joins(t, { donor, joiner, start });
});
