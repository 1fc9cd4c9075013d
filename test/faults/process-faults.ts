import { setTimeout as wait } from 'node:timers/promises';
import { originOf } from '../../src/processes/proc.js';
import type { LabNode } from '../lab/index.js';
import { allMoments, signalAll, sinceCopying, type Fault, type RootCause } from './fault.js';
import type { Stage } from './stage.js';

/** The script itself, not the shell that the server runs it in. */
const script = /^node .* sst .*--role (joiner|donor)/;

const donorWorks = allMoments.slice(1);
/** Longer than every limit of 10 s: to connect, to shake hands, to begin to listen. */
const stopSeconds = 30;
const noDonorYet = 'no donor is at work before the joiner is ready';

/** Whether it is the lock's guard, or was started by it. */
function isOfGuard(pid: number): boolean {
  const origin = pid > 1 ? originOf(pid) : undefined;
  if (origin === undefined) return false;
  return origin.argv.some((word) => word.includes('kill -KILL "$victim"')) || isOfGuard(origin.parentPid);
}

async function bootDonorAgain(stage: Stage, node: LabNode): Promise<void> {
  if (node === stage.donor && !node.isRunning()) await stage.startDonor();
}

/** What the other side sees of one that cannot say anything any more. */
export const goneWithoutAWord: RootCause = {
  codes: ['PEER_FAILED', 'PEER_UNREACHABLE'],
  says: /the connection (from the donor|to the joiner) broke|no longer listens|closed the connection|before it said anything|connection refused/i,
};

const abort = async (stage: Stage, node: LabNode): Promise<number> => {
  // Not by the command, which takes longer to start than the transfer to end.
  const client = stage.agents.get(node)?.client;
  const running = (await client?.status())?.transfers.find(({ outcome }) => outcome === undefined);
  if (running === undefined) return 0;
  await client?.abort(running.id);
  return 1;
};

/** Processes that are ended or stopped. */
export const processFaults: readonly Fault[] = [
  {
    name: 'listening socat killed',
    cause: { codes: ['CHILD_FAILED'], says: /listener: socat was ended by SIGKILL/ },
    at: { joiner: donorWorks },
    without: 'only a joiner listens, from ready on',
    strike: (stage, node) => signalAll(stage.processes(node, /^socat /).slice(0, 1), 'SIGKILL'),
  },
  {
    name: 'socat of a connection killed',
    cause: { codes: ['CHILD_FAILED'], says: /socat (of a connection )?was (killed|ended by SIGKILL)/ },
    at: { donor: sinceCopying, joiner: sinceCopying },
    without: 'no connection is there before ready, and the donor shakes hands itself',
    strike: (stage, node) => signalAll(stage.processes(node, /^socat /).slice(-1), 'SIGKILL'),
  },
  {
    name: 'one rsync killed',
    cause: { codes: ['CHILD_FAILED'], says: /rsync (of a connection )?was (killed|ended by SIGKILL)/ },
    at: { donor: sinceCopying, joiner: sinceCopying },
    without: 'no rsync runs before the copy begins',
    strike: (stage, node) => signalAll(stage.processes(node, /^rsync /).slice(-1), 'SIGKILL'),
  },
  {
    name: 'script killed',
    cause: goneWithoutAWord,
    at: { donor: donorWorks, joiner: allMoments },
    without: noDonorYet,
    strike: (stage, node) => signalAll(stage.processes(node, script), 'SIGKILL'),
    mutes: 'log',
  },
  {
    name: 'script told to end',
    cause: { codes: ['INTERRUPTED'], says: /ended by SIGTERM/ },
    at: { donor: donorWorks, joiner: allMoments },
    without: noDonorYet,
    strike: (stage, node) => signalAll(stage.processes(node, script), 'SIGTERM'),
  },
  {
    name: 'agent killed',
    cause: { codes: ['AGENT_GONE'] },
    at: { donor: donorWorks, joiner: allMoments },
    without: noDonorYet,
    throughAgents: true,
    isUntold: true,
    strike: (stage, node) => {
      const pid = stage.agents.get(node)?.pid;
      return pid === undefined ? 0 : signalAll([{ pid, words: [] }], 'SIGKILL');
    },
  },
  {
    name: '`abort`',
    cause: { codes: ['INTERRUPTED'], says: /aborted by an administrator/ },
    at: { donor: donorWorks, joiner: allMoments },
    without: noDonorYet,
    throughAgents: true,
    strike: abort,
  },
  {
    name: 'server killed',
    cause: { codes: ['PARENT_GONE'] },
    at: { donor: donorWorks, joiner: allMoments },
    without: noDonorYet,
    strike: async (_, node) => {
      const hits = Number(node.isRunning());
      await node.kill();
      return hits;
    },
    mend: bootDonorAgain,
  },
  {
    name: 'server stopped politely',
    cause: { codes: ['INTERRUPTED', 'PARENT_GONE'] },
    at: { donor: donorWorks, joiner: allMoments },
    without: noDonorYet,
    strike: (_, node) => {
      const hits = Number(node.isRunning());
      node.signal('SIGTERM');
      return hits;
    },
    mend: async (stage, node) => {
      if (node !== stage.donor) return;
      await node.stop();
      await stage.startDonor();
    },
  },
  {
    name: 'all killed at once (host restart)',
    cause: goneWithoutAWord,
    at: { donor: donorWorks, joiner: allMoments },
    without: noDonorYet,
    mutes: 'host',
    strike: (stage, node) => signalAll(stage.processes(node, /./), 'SIGKILL'),
    mend: bootDonorAgain,
  },
  {
    name: `stopped, continued after ${stopSeconds} s`,
    lastsSeconds: stopSeconds,
    limitSeconds: 60,
    // Who connects to a side that stands still waits for 10 s (sst-connect-timeout).
    cause: { codes: ['TIMED_OUT', 'PEER_UNREACHABLE'] },
    at: { donor: donorWorks, joiner: allMoments },
    without: noDonorYet,
    isHarmless: true,
    strike: async (stage, node) => {
      const found = stage.scripts(node);
      const hits = signalAll(found, 'SIGSTOP');
      await wait(stopSeconds * 1000);
      signalAll(found, 'SIGCONT');
      return hits;
    },
  },
  {
    name: 'stopped for good',
    cause: { codes: ['TIMED_OUT'] },
    at: { donor: donorWorks, joiner: donorWorks },
    without: `${noDonorYet}, and a joiner that stops before it waits for nobody but its server`,
    isSilent: true,
    mutes: 'log',
    freezes: true,
    // But for the lock's guard, which is there for that, and what it waits with.
    strike: (stage, node) =>
      signalAll(
        stage.scripts(node).filter(({ pid }) => !isOfGuard(pid)),
        'SIGSTOP',
      ),
    mend: (stage, node) => void signalAll(stage.scripts(node), 'SIGKILL'),
  },
];
