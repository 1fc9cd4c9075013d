import type { AgentClient } from '../../src/control/client-interface.js';
import { findMarked, nameOf } from '../../src/processes/proc.js';
import type { ScriptRun } from '../sst-script/bare-node.js';

/** A transfer at work. */
export interface Running {
  readonly joining: ScriptRun;
  readonly donating: ScriptRun;
  readonly client: AgentClient;
}

/** Something that goes wrong; tells whether it has hit anything. */
export interface Fault {
  readonly name: string;
  strike(running: Running): Promise<boolean>;
}

/** What ends or may end a transfer; each can come at any moment of it. */
export const faults: readonly Fault[] = [
  { name: 'joiner killed', strike: async ({ joining }) => kill(joining.pid, 'SIGKILL') },
  { name: 'donor killed', strike: async ({ donating }) => kill(donating.pid, 'SIGKILL') },
  { name: 'joiner told to end', strike: async ({ joining }) => kill(joining.pid, 'SIGTERM') },
  { name: 'donor told to end', strike: async ({ donating }) => kill(donating.pid, 'SIGTERM') },
  { name: 'joiner aborted', strike: async ({ client, joining }) => abort(client, joining) },
  { name: 'donor aborted', strike: async ({ client, donating }) => abort(client, donating) },
  { name: "joiner's rsync killed", strike: async ({ joining }) => killChild(joining, 'rsync') },
  { name: "donor's rsync killed", strike: async ({ donating }) => killChild(donating, 'rsync') },
  { name: "joiner's socat killed", strike: async ({ joining }) => killChild(joining, 'socat') },
  { name: "donor's socat killed", strike: async ({ donating }) => killChild(donating, 'socat') },
];

function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

async function abort(client: AgentClient, run: ScriptRun): Promise<boolean> {
  const id = run.transferId();
  if (id === undefined) return false;
  // One that has just ended cannot be.
  return client.abort(id).then(
    () => true,
    () => false,
  );
}

/** The youngest of the transfer's processes with this name. */
function killChild(run: ScriptRun, program: string): boolean {
  const pids = findMarked(run.transferId() ?? 'none').filter((pid) => nameOf(pid) === program);
  const last = pids.at(-1);
  return last !== undefined && kill(last, 'SIGKILL');
}
