import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { runSync, succeeds } from '../lab/commands.js';
import type { LabNode } from '../lab/index.js';
import type { NodeProcess, Stage } from './stage.js';

export type Side = 'donor' | 'joiner';

/** When a fault strikes: a line that has just been logged. */
export const moments = {
  'before ready': ['joiner', /phase: checking/],
  handshake: ['donor', /phase: handshake/],
  'unlocked pass': ['donor', /phase: copying|stream 1: /],
  lock: ['donor', /phase: waiting for lock/],
  'locked pass': ['donor', /the server holds its global read lock/],
  'final file': ['donor', /phase: finishing/],
  verification: ['joiner', /phase: verifying/],
} as const satisfies Record<string, readonly [Side, RegExp]>;

export type Moment = keyof typeof moments;

/** Something that goes wrong. */
export interface Fault {
  readonly name: string;
  readonly sides: readonly Side[];
  /** Strikes, and gives what sets things right again. */
  readonly strike: (stage: Stage, node: LabNode) => void | Promise<void>;
  readonly mend?: (stage: Stage, node: LabNode) => void | Promise<void>;
  /** The transfer goes on as if nothing had happened. */
  readonly isHarmless?: boolean;
  /** Nobody is told: only a time limit finds out. */
  readonly isSilent?: boolean;
  /** Only at these moments; default all. */
  readonly at?: readonly Moment[];
}

const both: readonly Side[] = ['donor', 'joiner'];
const whileCopying: readonly Moment[] = ['unlocked pass', 'locked pass'];

function kill(found: readonly NodeProcess[], signal: NodeJS.Signals): void {
  for (const { pid } of found) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended by itself.
    }
  }
}

/** The script itself, not the shell that the server runs it in. */
const script = /^(?!(\/bin\/)?sh )(?!\S*mariadbd).*--role (joiner|donor)/;

export const faults: readonly Fault[] = [
  {
    name: 'socat killed',
    sides: both,
    strike: (stage, node) => kill(stage.processes(node, /^socat /).slice(0, 1), 'SIGKILL'),
  },
  {
    name: 'one rsync killed',
    sides: both,
    strike: (stage, node) => kill(stage.processes(node, /^rsync /).slice(-1), 'SIGKILL'),
    at: whileCopying,
  },
  {
    name: 'script killed',
    sides: both,
    strike: (stage, node) => kill(stage.processes(node, script), 'SIGKILL'),
  },
  {
    name: 'script told to end',
    sides: both,
    strike: (stage, node) => kill(stage.processes(node, script), 'SIGTERM'),
  },
  { name: 'server killed', sides: ['joiner'], strike: (_, node) => node.kill() },
  { name: 'server stopped', sides: ['joiner'], strike: (_, node) => node.signal('SIGTERM') },
  {
    name: 'all killed at once',
    sides: ['joiner'],
    strike: (stage, node) => kill(stage.processes(node, /./), 'SIGKILL'),
  },
  {
    name: 'stopped for 3 s',
    sides: both,
    isHarmless: true,
    at: whileCopying,
    strike: async (stage, node) => {
      const found = stage.scripts(node);
      kill(found, 'SIGSTOP');
      await wait(3000);
      kill(found, 'SIGCONT');
    },
  },
  {
    name: 'stopped for good',
    sides: both,
    isSilent: true,
    at: whileCopying,
    strike: (stage, node) => kill(stage.scripts(node), 'SIGSTOP'),
    mend: (stage, node) => kill(stage.scripts(node), 'SIGKILL'),
  },
  {
    name: 'network cut for 3 s',
    sides: ['joiner'],
    isHarmless: true,
    at: whileCopying,
    strike: async (_, node) => {
      node.cutLink();
      await wait(3000);
      node.restoreLink();
    },
  },
  {
    name: 'network cut for good',
    sides: ['joiner'],
    isSilent: true,
    strike: (_, node) => node.cutLink(),
    mend: (_, node) => node.restoreLink(),
    at: ['handshake', ...whileCopying, 'verification'],
  },
  {
    name: 'connections reset',
    sides: ['donor'],
    at: whileCopying,
    strike: (_, node) =>
      void runSync(['ip', 'netns', 'exec', node.namespace ?? '', 'ss', '-K', 'dport', '=', '4444']),
  },
  {
    name: 'a data file unreadable',
    sides: ['donor'],
    at: ['handshake'],
    strike: (_, node) => chmodSync(join(node.dataDirectory, 'bulk_2/t2.ibd'), 0o000),
    mend: (_, node) => chmodSync(join(node.dataDirectory, 'bulk_2/t2.ibd'), 0o660),
  },
  {
    name: 'garbage from 200 strangers',
    sides: ['joiner'],
    isHarmless: true,
    at: whileCopying,
    strike: (_, node) => {
      const knock = 'for i in $(seq 200); do (echo garbage > /dev/tcp/$0/4444) 2>/dev/null & done; wait';
      succeeds(['ip', 'netns', 'exec', node.namespace ?? '', 'bash', '-c', knock, node.ipv4]);
    },
  },
  {
    name: 'a stranger without certificate',
    sides: ['joiner'],
    isHarmless: true,
    at: whileCopying,
    strike: (_, node) =>
      void succeeds([
        ...['ip', 'netns', 'exec', node.namespace ?? '', 'sh', '-c'],
        ...['echo Q | timeout 5 openssl s_client -connect "$0:4444"', node.ipv4],
      ]),
  },
  {
    name: 'a handshake that never ends',
    sides: ['joiner'],
    isHarmless: true,
    at: whileCopying,
    strike: (_, node) =>
      void node.spawn(['bash', '-c', 'exec 3<>/dev/tcp/$0/4444; sleep 60', node.ipv4], { stdio: 'ignore' }),
    mend: (stage, node) => kill(stage.processes(node, /dev.tcp|sleep 60/), 'SIGKILL'),
  },
];
