import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabNode } from '../lab/index.js';

/** Counts the processor seconds of the servers and all that they start. */
export interface CpuAccount {
  countedBy: string;
  /** Takes a server in; what it starts from now on belongs to it. */
  add(pid: number): void;
  seconds(): number;
  /** The processes that are counted now, where that is known. */
  processes(): number[];
  /** An account within this one, which counts in it too. */
  open(name: string): CpuAccount;
  close(): void;
}

/** A control group's counter where this user may make one: it also sees processes that nobody waited for. */
export function openCpuAccount(): CpuAccount {
  const [v1, v2] = ['/sys/fs/cgroup/cpuacct', '/sys/fs/cgroup'];
  const name = `galera-sst-bench-${process.pid}`;
  try {
    if (existsSync(join(v1, 'cpuacct.usage'))) {
      return controlGroup(join(v1, name), (folder) => Number(read(folder, 'cpuacct.usage')) / 1e9);
    }
    if (existsSync(join(v2, 'cgroup.controllers'))) {
      const usage = /^usage_usec (\d+)/m;
      return controlGroup(
        join(v2, name),
        (folder) => Number(usage.exec(read(folder, 'cpu.stat'))?.[1]) / 1e6,
      );
    }
  } catch {
    // no right to make one: the process tree has to do
  }
  return processTree();
}

function controlGroup(folder: string, seconds: (folder: string) => number): CpuAccount {
  mkdirSync(folder);
  return {
    countedBy: 'control group',
    add: (pid) => writeFileSync(join(folder, 'cgroup.procs'), String(pid)),
    seconds: () => seconds(folder),
    processes: () => read(folder, 'cgroup.procs').split('\n').filter(Boolean).map(Number),
    open: (name) => controlGroup(join(folder, name), seconds),
    close: () => rmdirSync(folder),
  };
}

/** The servers' own times and those of the children they waited for; orphans' times are lost. */
function processTree(): CpuAccount {
  const ticksPerSecond = 100;
  const pids = new Set<number>();
  const last = new Map<number, number>();
  const sample = (): void => {
    for (const pid of pids) {
      if (!existsSync(`/proc/${pid}`)) continue;
      const stat = read(`/proc/${pid}`, 'stat');
      const times = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .slice(11, 15)
        .map(Number);
      last.set(pid, times.reduce((sum, ticks) => sum + ticks, 0) / ticksPerSecond);
    }
  };
  return {
    countedBy: "the servers' process times",
    add: (pid) => void pids.add(pid),
    seconds: () => {
      sample();
      return [...last.values()].reduce((sum, one) => sum + one, 0);
    },
    processes: () => [],
    open: () => {
      const inner = processTree();
      // The same processes, in both.
      return {
        ...inner,
        add: (pid) => {
          pids.add(pid);
          inner.add(pid);
        },
      };
    },
    close: () => undefined,
  };
}

/** Bytes that went through a node's network interface, both ways; undefined on loopback. */
export async function wireBytes(node: LabNode): Promise<number | undefined> {
  if (node.namespace === undefined) return undefined;
  const text = await node.exec(['ip', '-s', '-j', 'link', 'show', 'eth0']);
  const [link] = JSON.parse(text) as { stats64: Record<'rx' | 'tx', { bytes: number }> }[];
  return link === undefined ? undefined : link.stats64.rx.bytes + link.stats64.tx.bytes;
}

/** Watches the processes of an account for Node.js ones and keeps the largest resident size that one reached. */
export class PeakWatch {
  #peakKiB = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly account: CpuAccount) {
    this.#timer = setInterval(() => this.#look(), 100);
  }

  /** In MiB; undefined when there was no such process. */
  stop(): number | undefined {
    clearInterval(this.#timer);
    return this.#peakKiB === 0 ? undefined : this.#peakKiB / 1024;
  }

  #look(): void {
    for (const pid of this.account.processes()) {
      try {
        const status = read(`/proc/${pid}`, 'status');
        if (!/^Name:\t(node|MainThread)$/m.test(status)) continue;
        this.#peakKiB = Math.max(this.#peakKiB, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0));
      } catch {
        // it ended between the two looks
      }
    }
  }
}

const read = (folder: string, file: string): string => readFileSync(join(folder, file), 'utf8');
