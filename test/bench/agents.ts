import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createAgentClient } from '../../src/control/agent-client.js';
import type { AgentStatus } from '../../src/control/client-interface.js';
import { readLines } from '../../src/processes/lines.js';
import type { Lab, LabNode } from '../lab/index.js';
import type { CpuAccount } from './accounting.js';

const program = fileURLToPath(new URL('../../bin/galera-sst-tunnel.js', import.meta.url));

/** The environment variable that tells a server's scripts of the method with an agent where it is. */
export const agentVariable = 'BENCH_AGENT';

/** Where a node's agent listens while there is one. */
export const agentSocketOf = (lab: Lab, node: LabNode): string =>
  join(lab.directory(`agent-${node.name}`), 'agent.sock');

/** What the agents of both nodes were measured to use for one transfer. */
export interface AgentCosts {
  /** Of the agents themselves. */
  readonly agentCpuSeconds: number;
  /** The same, of what rsync and socat and all else that they started has used. */
  readonly agentCpuPercent?: number;
  /** The larger one's. */
  readonly agentPeakMiB: number;
}

/** An agent on each node, for one run. */
export interface RunningAgents {
  /** From here on it is counted. */
  begin(): void;
  costs(): AgentCosts;
  stop(): Promise<void>;
}

/** Starts them and takes them into an account of their own, which is part of `cpu`. */
export async function startAgents(
  lab: Lab,
  nodes: readonly LabNode[],
  cpu: CpuAccount,
): Promise<RunningAgents> {
  const account = cpu.open('agents');
  const agents = await Promise.all(nodes.map((node) => startAgent(lab, node)));
  for (const { pid } of agents) account.add(pid);
  const own = (): number => agents.reduce((sum, { pid }) => sum + cpuSecondsOf(pid), 0);
  await untilStill(own);
  let [allBefore, ownBefore] = [0, 0];
  return {
    begin: () => {
      [allBefore, ownBefore] = [account.seconds(), own()];
    },
    costs: () => {
      const agentCpuSeconds = own() - ownBefore;
      const childrenSeconds = account.seconds() - allBefore - agentCpuSeconds;
      return {
        agentCpuSeconds,
        ...(childrenSeconds > 0 ? { agentCpuPercent: (100 * agentCpuSeconds) / childrenSeconds } : {}),
        agentPeakMiB: Math.max(...agents.map(({ pid }) => peakMiBOf(pid))),
      };
    },
    stop: async () => {
      await Promise.all(agents.map(({ stop }) => stop()));
      account.close();
    },
  };
}

async function startAgent(lab: Lab, node: LabNode): Promise<{ pid: number; stop: () => Promise<void> }> {
  const socket = agentSocketOf(lab, node);
  const child = node.spawn(
    [
      'env',
      '-u',
      'NODE_EXTRA_CA_CERTS',
      process.execPath,
      '--max-semi-space-size=2',
      program,
      'agent',
      '--socket',
      socket,
      // As the system's own option files are: its first check reads them before anything is transferred.
      '--server',
      node.optionFile,
    ],
    { user: 'mysql', stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const exited = once(child, 'exit');
  const log: string[] = [];
  await new Promise<void>((resolve, reject) => {
    readLines(child.stderr!, (line) => {
      log.push(line);
      if (line.includes('"state":"ready"')) resolve();
    });
    void exited.then(() => reject(new Error(`an agent has ended: ${log.join('\n')}`)));
  });
  const { pid } = (await createAgentClient(socket).status()) as AgentStatus & { readonly pid: number };
  const stop = async (): Promise<void> => {
    process.kill(pid, 'SIGTERM');
    await exited;
  };
  return { pid, stop };
}

/**
 * An agent that has started checks its servers, and 8 s after it has started Node's garbage collection looks for what was needed for that
 * only: no part of a transfer.
 */
async function untilStill(cpuSeconds: () => number): Promise<void> {
  await setTimeout(10_000);
  const [looksAtMost, stillSeconds] = [10, 0.005];
  for (
    let look = 1, before = -1, now = cpuSeconds();
    now > before + stillSeconds && look <= looksAtMost;
    look++
  ) {
    before = now;
    await setTimeout(500);
    now = cpuSeconds();
  }
}

/**
 * User and system time of all threads of a process, not of what it started: to the nanosecond, as control groups count. The ticks in
 * `stat` would charge what wakes by the clock with whole ticks.
 */
function cpuSecondsOf(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).reduce((sum, thread) => {
    const [nanoseconds] = readFileSync(join(tasks, thread, 'schedstat'), 'utf8').split(' ');
    return sum + Number(nanoseconds) / 1e9;
  }, 0);
}

function peakMiBOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) / 1024;
}
