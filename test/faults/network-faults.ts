import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { selfSignedPairs } from '../cluster/credentials.js';
import { runSync } from '../lab/commands.js';
import type { LabNode } from '../lab/index.js';
import { allMoments, signalAll, sinceCopying, type Fault } from './fault.js';
import { goneWithoutAWord } from './process-faults.js';
import { stranger as hanging, type Stage } from './stage.js';

const connected = allMoments.slice(1);
const inside = (node: LabNode): string[] => ['ip', 'netns', 'exec', node.namespace ?? ''];

/** Cables and connections that break, and strangers who call. */
export const networkFaults: readonly Fault[] = [
  {
    name: 'network cut for 5 s',
    at: { donor: sinceCopying, joiner: connected },
    without: 'nobody is connected before ready',
    isHarmless: true,
    takesPatience: true,
    strike: async (_, node) => {
      node.cutLink();
      await wait(5000);
      node.restoreLink();
      return 1;
    },
    lastsSeconds: 5,
  },
  {
    name: 'network cut for good',
    at: { donor: sinceCopying, joiner: connected },
    without: 'nobody is connected before ready',
    isSilent: true,
    parts: true,
    // Its own interface that is down a side sees at once.
    cause: { codes: ['TIMED_OUT', 'PEER_UNREACHABLE'] },
    strike: (_, node) => {
      node.cutLink();
      return 1;
    },
    mend: (_, node) => node.restoreLink(),
  },
  {
    name: 'connections reset',
    at: { donor: sinceCopying },
    without: 'a reset reaches both sides, whoever sends it; nobody is connected before the copy',
    cause: goneWithoutAWord,
    strike: (_, node) => linesOf(runSync([...inside(node), 'ss', '-HK', 'dport', '=', ':4444'])),
  },
  ...strangers(),
];

function strangers(): Fault[] {
  const at = connected;
  const stranger = (name: string, strike: Fault['strike'], mend?: Fault['mend']): Fault => ({
    name: `stranger: ${name}`,
    at: { joiner: at },
    without: 'only a joiner listens, and only from ready on',
    isHarmless: true,
    strike,
    ...(mend === undefined ? {} : { mend }),
  });
  return [
    stranger('no certificate', (stage) => call(stage, [])),
    stranger('foreign certificate', async (stage) => {
      const [pair] = await selfSignedPairs(stage.lab.directory('foreign'), ['node1.my.cluster']);
      return call(stage, ['-cert', pair?.cert ?? '', '-key', pair?.key ?? '']);
    }),
    stranger('valid certificate, no secret', async (stage) => {
      const { cert, key } = await stage.authority.certify('stranger', { commonName: 'stranger' });
      return call(stage, ['-cert', cert, '-key', key], '@RSYNCD: 31.0 sha512 md5\\nrsync_tunnel_sst\\n');
    }),
    stranger('garbage', (stage) => knock(stage, 1)),
    stranger('1,000 connections', (stage) => knock(stage, 1000)),
    stranger(
      'a handshake that never ends',
      hangOn,
      (stage) => void signalAll(stage.processes(stage.donor, hanging), 'SIGKILL'),
    ),
  ];
}

/** Calls the joiner over TLS and says something. */
function call({ donor, joiner }: Stage, words: readonly string[], says = 'Q\\n'): number {
  const talk =
    '(printf "$0"; sleep 1) | timeout 5 openssl s_client -ign_eof -connect "$@" 2>/dev/null | grep -c ^CONNECTED; true';
  const command = [...inside(donor), 'sh', '-c', talk, says, `${joiner.ipv4}:4444`, ...words];
  return Number(runSync(command));
}

/** Calls without TLS, so many at once. */
function knock({ donor, joiner }: Stage, times: number): number {
  const one = '(exec 3<>/dev/tcp/$0/4444 && echo hit && echo garbage >&3 && sleep 1) 2>/dev/null &';
  const all = `for i in $(seq ${times}); do ${one} done; wait`;
  return linesOf(
    runSync([...inside(donor), 'bash', '-c', `timeout 9 bash -c '${all}' $0; true`, joiner.ipv4]),
  );
}

/** Connects and says nothing. */
async function hangOn({ donor, joiner }: Stage): Promise<number> {
  const command = ['bash', '-c', 'exec 3<>/dev/tcp/$0/4444 && echo hit; sleep 60', joiner.ipv4];
  const { stdout } = donor.spawn(command, { stdio: ['ignore', 'pipe', 'ignore'] });
  const said = await Promise.race([stdout === null ? '' : once(stdout, 'data'), wait(5000, '')]);
  return Number(said !== '');
}

const linesOf = (text: string): number => text.split('\n').filter(Boolean).length;
