import { setTimeout as wait } from 'node:timers/promises';
import type { LabNode } from '../lab/index.js';
import { allMoments, signalAll, sinceCopying, type Fault } from './fault.js';
import type { Stage } from './stage.js';

/** The script itself, not the shell that the server runs it in. */
const script = /^node .* sst .*--role (joiner|donor)/;

const donorWorks = allMoments.slice(1);
const noDonorYet = 'no donor is at work before the joiner is ready';

async function bootDonorAgain(stage: Stage, node: LabNode): Promise<void> {
  if (node === stage.donor && !node.isRunning()) await stage.startDonor();
}

const abort = async (stage: Stage, node: LabNode): Promise<void> => {
  // Not by the command, which takes longer to start than the transfer to end.
  const client = stage.agents.get(node)?.client;
  const running = (await client?.status())?.transfers.find(({ outcome }) => outcome === undefined);
  if (running !== undefined) await client?.abort(running.id);
};

/** Processes that are ended or stopped. */
export const processFaults: readonly Fault[] = [
  {
    name: 'listening socat killed',
    at: { joiner: donorWorks },
    without: 'only a joiner listens, from ready on',
    strike: (stage, node) => signalAll(stage.processes(node, /^socat /).slice(0, 1), 'SIGKILL'),
  },
  {
    name: 'socat of a connection killed',
    at: { donor: sinceCopying, joiner: sinceCopying },
    without: 'no connection is there before ready, and the donor shakes hands itself',
    strike: (stage, node) => signalAll(stage.processes(node, /^socat /).slice(-1), 'SIGKILL'),
  },
  {
    name: 'one rsync killed',
    at: { donor: sinceCopying, joiner: sinceCopying },
    without: 'no rsync runs before the copy begins',
    strike: (stage, node) => signalAll(stage.processes(node, /^rsync /).slice(-1), 'SIGKILL'),
  },
  {
    name: 'script killed',
    at: { donor: donorWorks, joiner: allMoments },
    without: noDonorYet,
    strike: (stage, node) => signalAll(stage.processes(node, script), 'SIGKILL'),
    mutes: 'log',
  },
  {
    name: 'script told to end',
    at: { donor: donorWorks, joiner: allMoments },
    without: noDonorYet,
    strike: (stage, node) => signalAll(stage.processes(node, script), 'SIGTERM'),
  },
  {
    name: 'agent killed',
    at: { donor: donorWorks, joiner: allMoments },
    without: noDonorYet,
    throughAgents: true,
    isUntold: true,
    strike: (stage, node) => {
      process.kill(stage.agents.get(node)?.pid ?? 0, 'SIGKILL');
    },
  },
  {
    name: '`abort`',
    at: { donor: donorWorks, joiner: allMoments },
    without: noDonorYet,
    throughAgents: true,
    strike: abort,
  },
  {
    name: 'server killed',
    at: { donor: donorWorks, joiner: allMoments },
    without: noDonorYet,
    strike: (_, node) => node.kill(),
    mend: bootDonorAgain,
  },
  {
    name: 'server stopped politely',
    at: { donor: donorWorks, joiner: allMoments },
    without: noDonorYet,
    strike: (_, node) => node.signal('SIGTERM'),
    mend: async (stage, node) => {
      if (node !== stage.donor) return;
      await node.stop();
      await stage.startDonor();
    },
  },
  {
    name: 'all killed at once (host restart)',
    at: { donor: donorWorks, joiner: allMoments },
    without: noDonorYet,
    mutes: 'host',
    strike: (stage, node) => signalAll(stage.processes(node, /./), 'SIGKILL'),
    mend: bootDonorAgain,
  },
  {
    name: 'stopped, continued after 6 s',
    at: { donor: donorWorks, joiner: allMoments },
    without: noDonorYet,
    isHarmless: true,
    strike: async (stage, node) => {
      const found = stage.scripts(node);
      signalAll(found, 'SIGSTOP');
      await wait(6000);
      signalAll(found, 'SIGCONT');
    },
  },
  {
    name: 'stopped for good',
    at: { donor: donorWorks, joiner: donorWorks },
    without: `${noDonorYet}, and a joiner that stops before it waits for nobody but its server`,
    isSilent: true,
    mutes: 'log',
    freezes: true,
    strike: (stage, node) => signalAll(stage.scripts(node), 'SIGSTOP'),
    mend: (stage, node) => signalAll(stage.scripts(node), 'SIGKILL'),
  },
];
