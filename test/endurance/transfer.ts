import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createAgentClient } from '../../src/control/agent-client.js';
import { findMarked } from '../../src/processes/proc.js';
import { BareNode, stateId, type ScriptRun } from '../sst-script/bare-node.js';
import { Material } from '../sst-script/material.js';
import { AgentProcess } from './agent-process.js';
import { faults, type Fault } from './faults.js';

/** An agent with two servers' scripts, and this process in the place of both servers. */
export interface Endurance {
  readonly agent: AgentProcess;
  readonly joiner: BareNode;
  readonly donor: BareNode;
  destroy(): Promise<void>;
}

/** How one transfer ended. */
export interface Outcome {
  readonly fault: string;
  /** False when the transfer was over before. */
  readonly hasStruck: boolean;
  readonly joiner: number | NodeJS.Signals;
  readonly donor: number | NodeJS.Signals;
  /** Scripts that have done their side themselves: on a busy machine an agent may not answer in time. */
  readonly withoutAgent: number;
  /** Empty when all is as it has to be. */
  readonly problems: readonly string[];
}

const files = 24;

export async function prepareEndurance(): Promise<Endurance> {
  const material = await Material.create();
  const [joiner, donor] = [await BareNode.create(), await BareNode.create()];
  const agent = await AgentProcess.start();
  for (let index = 0; index < files; index++)
    donor.file(`data/shop/t${index}.ibd`, Buffer.alloc(200_000, `t${index} `));
  for (const node of [joiner, donor]) {
    const limits = { 'sst-idle-timeout': '20', 'sst-initial-timeout': '20', precopy: '2' };
    node.configure(material.groups({}, { tmpdir: node.tmpDir, ...limits, rlimit: '16m' }));
  }
  const destroy = async (): Promise<void> => {
    await joiner.destroy();
    await donor.destroy();
    await agent.stop();
    material.destroy();
  };
  return { agent, joiner, donor, destroy };
}

/** Lets one transfer run, and something go wrong with it in two of three. */
export async function runTransfer(
  { agent, joiner, donor }: Endurance,
  random: (below: number) => number,
): Promise<Outcome> {
  const fault: Fault | undefined = random(3) === 0 ? undefined : faults[random(faults.length)];
  const env = { GALERA_SST_TUNNEL_SOCKET: agent.socket };
  const client = createAgentClient(agent.socket);
  // Each begins with nothing, half of a copy, or all of one.
  if (random(2) === 0) rmSync(join(joiner.dataDir, 'shop'), { recursive: true, force: true });
  const joining = joiner.start('joiner', { env });
  const { auth, address } = await joining.ready();
  const donating = donor.start('donor', { address, env: { ...env, WSREP_SST_OPT_REMOTE_AUTH: auth } });
  const playsServer = answerLock(donating, donor);
  let hasStruck = false;
  if (fault !== undefined) {
    await wait(random(1200));
    hasStruck = await fault.strike({ joining, donating, client });
  }
  const [joinerEnd, donorEnd] = await Promise.all([joining.ended, donating.ended]);
  await playsServer;
  const problems = [
    ...(await remains(joiner, joining)),
    ...(await remains(donor, donating)),
    ...judge(joinerEnd, donorEnd, hasStruck, { joiner, joining, donating }),
  ];
  if (!agent.isRunning) problems.push('the agent has ended');
  for (const run of [joining, donating])
    problems.push(...run.errors().filter((line) => /INTERNAL/.test(line)));
  const withoutAgent = [joining, donating].filter(({ stderr }) =>
    stderr.some((line) => line.includes('does the transfer itself')),
  ).length;
  return { fault: fault?.name ?? '', hasStruck, joiner: joinerEnd, donor: donorEnd, withoutAgent, problems };
}

/** What the donor's server does when it is asked for its lock, if it is. */
async function answerLock(donating: ScriptRun, donor: BareNode): Promise<void> {
  const asked = await donating.said(/^flush tables$/).then(
    () => true,
    () => false,
  );
  const file = join(donor.dataDir, 'tables_flushed');
  if (asked) donor.file('data/tables_flushed', `${stateId}:42 0\n`);
  await donating.ended;
  // The server is here, and would remove what came too late for a script that had been killed.
  rmSync(file, { force: true });
}

function judge(
  joinerEnd: number | NodeJS.Signals,
  donorEnd: number | NodeJS.Signals,
  hasStruck: boolean,
  { joiner, joining, donating }: { joiner: BareNode; joining: ScriptRun; donating: ScriptRun },
): string[] {
  const isMarked = existsSync(join(joiner.dataDir, '.galera-sst-tunnel.partial'));
  const result = joining.stdout.some((line) => line.startsWith(`${stateId}:`));
  if (joinerEnd === 0) {
    const received = readdirSync(join(joiner.dataDir, 'shop')).length;
    return [
      ...(result ? [] : ['the joiner ended well without a result']),
      ...(isMarked ? ['the marker stays after a complete copy'] : []),
      ...(received < files ? [`${received} files for ${files}`] : []),
    ];
  }
  const said = [...joining.errors(), ...donating.errors()].join(' // ');
  return hasStruck ? [] : [`failed with ${joinerEnd} and ${donorEnd} without a fault: ${said}`];
}

/** What a transfer that has ended leaves behind; its sweeper has a moment. */
async function remains(node: BareNode, run: ScriptRun): Promise<string[]> {
  for (let round = 0; ; round++) {
    const found = [
      ...findMarked(run.transferId() ?? 'none').map((pid) => `process ${pid}`),
      ...node.privateFiles(),
      ...readdirSync(node.dataDir).filter((name) =>
        /^sst_in_progress$|^\.galera-sst-tunnel\.json/.test(name),
      ),
    ];
    if (found.length === 0) return [];
    if (round === 200) return found.map((name) => `left: ${name}`);
    await wait(25);
  }
}
