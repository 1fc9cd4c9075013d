import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import type { Test } from 'tap';
import type { TransferStatus } from '../../src/observe/status.js';
import { findMarked } from '../../src/processes/proc.js';
import { processIds } from '../lab/commands.js';
import { Lab, seedBulk, type LabNode } from '../lab/index.js';
import {
  startNodeAgent,
  throughAgent,
  untilLogged,
  untilTransfer,
  writeInVain,
  type NodeAgent,
  type WaitingWrite,
} from './agents.js';
import { Authority } from './credentials.js';
import { boot, joins, traces, tunnelOptions } from './tunnel.js';

t.setTimeout(400_000);

const lab = await Lab.create();
t.teardown(() => lab.destroy());
const [donor, joiner] = [lab.node(1), lab.node(2)];
const authority = await Authority.create(lab.directory('certificates'));
const agents = { donor: await startNodeAgent(t, lab, donor), joiner: await startNodeAgent(t, lab, joiner) };
type Role = keyof typeof agents;

async function optionsOf(node: LabNode, agent: NodeAgent, sst: Record<string, string> = {}) {
  const options = tunnelOptions(node, await authority.certifyNode(node), { groups: { sst } });
  return { ...options, environment: { ...options.environment, ...throughAgent(agent).environment } };
}

// All of a copy is made under the lock, and takes a minute: whatever waits no longer has been let go.
await boot(donor, await optionsOf(donor, agents.donor, { rlimit: '1m', precopy: 'off' }));
await seedBulk(donor, { bytes: 60e6, tables: 12 });
const start = await optionsOf(joiner, agents.joiner);

const copying = ({ phase, bytesDone, outcome }: TransferStatus): boolean =>
  outcome === undefined && phase === 'copying' && bytesDone > 0;
const copyingLocked = (transfer: TransferStatus): boolean => copying(transfer) && transfer.lockSeconds > 0;

interface Begun {
  /** The transfer's id on both sides. */
  readonly ids: Record<Role, string>;
  readonly write: WaitingWrite;
  /** How long each log is. */
  readonly logged: Record<Role, number>;
}

/** Lets the joiner begin; resolves when files move under the lock, and a write waits for it. */
async function begin(): Promise<Begun> {
  await joiner.start({ ...start, data: 'empty' });
  const joined = await untilTransfer(agents.joiner.client, copying);
  const donated = await untilTransfer(agents.donor.client, copyingLocked);
  const write = await writeInVain(donor);
  const logged = { donor: donor.errorLog().length, joiner: joiner.errorLog().length };
  return { ids: { donor: donated.id, joiner: joined.id }, write, logged };
}

/** Sets the rate of the donor's next transfer: option files are read anew for each. */
function limitDonor(rate: string): void {
  const text = readFileSync(donor.optionFile, 'utf8');
  writeFileSync(donor.optionFile, text.replace(/^rlimit *= *.*$/m, `rlimit=${rate}`));
}

/** What is left of a transfer on its node: processes, private files, claims and signs. */
function remains(node: LabNode, id: string): string[] {
  const privateFiles = readdirSync(join(node.directory, 'tmp')).filter((name) =>
    name.startsWith('galera-sst-tunnel'),
  );
  const signs = readdirSync(node.dataDirectory).filter((name) =>
    /^(\.galera-sst-tunnel\.json|sst_in_progress)/.test(name),
  );
  return [...findMarked(id).map((pid) => `process ${pid}`), ...privateFiles, ...signs];
}

/** How long it takes until nothing is left, in ms. */
async function untilClean(node: LabNode, id: string): Promise<number> {
  const begunMs = performance.now();
  for (let left = remains(node, id); left.length > 0; left = remains(node, id)) {
    if (performance.now() - begunMs > 10_000) throw new Error(`still there: ${left.join(', ')}`);
    await wait(5);
  }
  return performance.now() - begunMs;
}

/** The process of the script that a node's server has started. */
function scriptOf(role: Role): number {
  const found = processIds().find((pid) => {
    const argv = argvOf(pid);
    return argv.includes('sst') && argv.includes(role) && argv.some((word) => word.includes(lab.root));
  });
  if (found === undefined) throw new Error(`no script of the ${role}`);
  return found;
}

function argvOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

async function writesGoOn(t: Test, write: WaitingWrite, sinceMs: number): Promise<void> {
  await write.done;
  const tookMs = performance.now() - sinceMs;
  // Half a minute is what the kernels' own limits would make of it.
  t.ok(tookMs < 10_000, `the donor's lock is released, after ${Math.round(tookMs)} ms`);
}

async function nextIsClean(t: Test, ids: Record<Role, string>): Promise<void> {
  await joiner.waitForExit();
  await donor.waitFor('Synced', 30_000);
  await Promise.all([untilClean(donor, ids.donor), untilClean(joiner, ids.joiner)]);
  // What has arrived stays for the next attempt.
  const left = (await traces([donor, joiner])).filter((name) => name !== '.galera-sst-tunnel.partial');
  t.strictSame(left, []);
}

for (const role of ['joiner', 'donor'] as const) {
  const node = role === 'joiner' ? joiner : donor;

  t.test(`the ${role}'s script is killed`, async (t) => {
    const { ids, write } = await begin();
    const killedMs = performance.now();
    process.kill(scriptOf(role), 'SIGKILL');
    const tookMs = await untilClean(node, ids[role]);
    t.ok(tookMs < 1000, `process tree and files are gone after ${Math.round(tookMs)} ms`);
    await writesGoOn(t, write, killedMs);
    const ended = await untilTransfer(
      agents[role].client,
      ({ id, outcome }) => id === ids[role] && outcome !== undefined,
    );
    t.match(ended, { outcome: { kind: 'failed', code: 'PARENT_GONE' } });
    await nextIsClean(t, ids);
  });

  t.test(`the ${role}'s agent is killed`, async (t) => {
    const { ids, write, logged } = await begin();
    const killedMs = performance.now();
    process.kill(agents[role].pid, 'SIGKILL');
    const tookMs = await untilClean(node, ids[role]);
    t.ok(tookMs < 2000, `no child survives it, files are gone after ${Math.round(tookMs)} ms`);
    t.ok(await untilLogged(node, logged[role], /WSREP_SST: \[ERROR\] AGENT_GONE: .* HINT: /));
    await writesGoOn(t, write, killedMs);
    await nextIsClean(t, ids);
    t.ok(existsSync(agents[role].socket));
    agents[role] = await startNodeAgent(t.parent as Test, lab, node);
  });
}

t.test('after all that a node joins through the same agents', async (t) => {
  limitDonor('100m');
  const logs = await joins(t, { donor, joiner, start });
  t.notMatch(logs.donor + logs.joiner, /does the transfer itself|cleaned up after/);
});

t.test("the joiner's server is killed", async (t) => {
  await joiner.stop();
  limitDonor('1m');
  const { ids, logged } = await begin();
  await joiner.kill();
  const tookMs = await untilClean(joiner, ids.joiner);
  t.ok(tookMs < 1000, `process tree and files are gone after ${Math.round(tookMs)} ms`);
  // Galera counts a node that is killed as lost, and one of two is no majority: no write tells of the lock.
  const donated = await untilTransfer(agents.donor.client, ({ outcome }) => outcome !== undefined);
  t.ok(await untilLogged(donor, logged.donor, /told the server to continue/));
  t.match(donated.outcome, { kind: 'failed' });
  await untilClean(donor, ids.donor);
});
