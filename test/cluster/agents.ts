import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { createAgentClient } from '../../src/control/agent-client.js';
import type { AgentClient, AgentStatus } from '../../src/control/client-interface.js';
import type { TransferStatus } from '../../src/observe/status.js';
import { readLines } from '../../src/processes/lines.js';
import type { Lab, LabNode } from '../lab/index.js';

const program = fileURLToPath(new URL('../../bin/galera-sst-tunnel.js', import.meta.url));

/** An agent that runs where a node lives, as the servers' user. */
export interface NodeAgent {
  readonly socket: string;
  readonly client: AgentClient;
  readonly pid: number;
  readonly process: ChildProcess;
  readonly exited: Promise<number | null>;
  /** One object a line. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  /** Runs a command of the program against it; gives what it prints. */
  run(...words: readonly string[]): Promise<string>;
}

/** Starts it; a second one for the same node takes over history and socket of the first. */
export async function startNodeAgent(
  t: Pick<Test, 'teardown'>,
  lab: Lab,
  node: LabNode,
  options: { readonly words?: readonly string[]; readonly name?: string } = {},
): Promise<NodeAgent> {
  const folder = lab.directory(options.name ?? `agent-${node.name}`);
  const socket = join(folder, 'agent.sock');
  const words = [
    'agent',
    '--socket',
    socket,
    '--state-dir',
    lab.directory(join(folder, 'state').slice(lab.root.length + 1)),
  ];
  // Without the lab's mark: it is no leftover of a transfer.
  const clean = ['env', '-u', 'GST_LAB', `TMPDIR=${lab.directory(`${node.name}/tmp`)}`];
  const child = node.spawn([...clean, process.execPath, program, ...words, ...(options.words ?? [])], {
    user: 'mysql',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const log: Record<string, unknown>[] = [];
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  t.teardown(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  await new Promise<void>((resolve, reject) => {
    readLines(child.stderr!, (line) => {
      const entry = JSON.parse(line) as Record<string, unknown>;
      log.push(entry);
      if (entry['state'] === 'ready') resolve();
    });
    void exited.then((code) => reject(new Error(`the agent ended with ${code}: ${JSON.stringify(log)}`)));
  });
  const client = createAgentClient(socket);
  const { pid } = (await client.status()) as AgentStatus & { readonly pid: number };
  const run = (...command: readonly string[]): Promise<string> =>
    node.exec([process.execPath, program, ...command, '--socket', socket], { user: 'mysql' });
  return { socket, client, pid, process: child, exited, log, run };
}

/** The settings that let a node's server use an agent. */
export const throughAgent = ({ socket }: NodeAgent): { environment: Record<string, string> } => ({
  environment: { GALERA_SST_TUNNEL_SOCKET: socket },
});

/** Looks until a transfer is as wanted; the test's time limit is the limit. */
export async function untilTransfer(
  client: AgentClient,
  isWanted: (transfer: TransferStatus) => boolean,
): Promise<TransferStatus> {
  for (;;) {
    const found = (await client.status()).transfers.find(isWanted);
    if (found !== undefined) return found;
    await wait(50);
  }
}

/** What a person who looks five times a second would see, until told to stop. */
export async function sample(
  client: AgentClient,
  signal: AbortSignal,
): Promise<{ readonly atMs: number; readonly transfer: TransferStatus }[]> {
  const seen: { atMs: number; transfer: TransferStatus }[] = [];
  while (!signal.aborted) {
    const { transfers } = await client.status();
    for (const transfer of transfers) seen.push({ atMs: Date.now(), transfer });
    await wait(200, undefined, { signal }).catch(() => undefined);
  }
  return seen;
}

/** A write that waits for the lock of a donor's server. */
export interface WaitingWrite {
  /** Resolves when it has been done. */
  readonly done: Promise<unknown>;
}

let written = 0;

/** Begins to write, and resolves when that waits: the lock is really held. */
export async function writeInVain(donor: LabNode): Promise<WaitingWrite> {
  const name = `written_${(written += 1)}`;
  const done = donor.sql(`CREATE DATABASE ${name}`);
  const early = done.then(() => {
    throw new Error('the lock is not held: a write goes on');
  });
  const waits = async (): Promise<void> => {
    for (;;) {
      const [found] = await donor.query(
        `SELECT state FROM information_schema.processlist WHERE info = 'CREATE DATABASE ${name}'`,
      );
      if (/^waiting /i.test(found?.['state'] ?? '')) return;
      await wait(20);
    }
  };
  await Promise.race([early, waits()]);
  early.catch(() => undefined);
  return { done };
}

/** Waits until the log of a server has a line that it had not when it had `length` characters. */
export async function untilLogged(node: LabNode, length: number, pattern: RegExp): Promise<string> {
  for (;;) {
    const found = pattern.exec(node.errorLog().slice(length));
    if (found !== null) return found[0];
    await wait(50);
  }
}
