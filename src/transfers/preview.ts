import { hostname } from 'node:os';
import { formatAddress } from '../config/address.js';
import type { Config } from '../config/config.js';
import { takeInventory } from '../datadir/inventory.js';
import { resolveLayout, type Layout, type Place } from '../datadir/layout.js';
import { splitIntoStreams } from '../datadir/streams.js';
import { matchName } from '../certificates/names.js';
import { pinFor } from '../certificates/pin.js';
import type { Finding } from '../errors.js';
import { showCommand } from '../plan/command.js';
import {
  fetchMessage,
  planJobs,
  sendFiles,
  sendMessage,
  showTunnelClient,
  type TunnelClient,
} from '../plan/donor.js';
import { messageFiles, planJoiner, sharedModules } from '../plan/joiner.js';
import { messageModules } from '../plan/modules.js';
import { connectAddress, type TunnelFiles } from '../plan/tunnel.js';
import { checkOwnCredentials, loadCredentials, tunnelFiles, type Credentials } from './credentials.js';
import { localBindAddress } from './listener.js';
import { checkPlaces } from './preflight.js';

/** What a transfer would run, as text blocks with a title each, and what its checks find. */
export interface Preview {
  readonly sections: readonly { readonly title: string; readonly lines: readonly string[] }[];
  readonly findings: readonly Finding[];
}

/** Where a transfer's private directory would be; its last part is random. */
const workDir = '/tmp/galera-sst-tunnel-XXXXXX';

/** Plans a transfer from configuration and files on disk, without running, opening or writing anything. */
export async function previewTransfer(
  config: Config,
  surroundings: { readonly now: Date; readonly owner: { uid: number; gid: number } },
): Promise<Preview> {
  const layout = resolveLayout(config.directories, hostname());
  const credentials = loadCredentials(config);
  const files = tunnelFiles(credentials, () => `${workDir}/identity.pem`);
  const findings = [
    ...checkPlaces(config, layout),
    ...checkOwnCredentials(config, credentials, surroundings.now),
  ];
  const sections =
    config.role === 'joiner'
      ? await previewJoiner(config, layout, files, surroundings.owner)
      : await previewDonor(config, layout, files, credentials);
  return { sections, findings };
}

async function previewJoiner(
  config: Config,
  layout: Layout,
  files: TunnelFiles,
  owner: { readonly uid: number; readonly gid: number },
): Promise<Preview['sections']> {
  const bind = await localBindAddress(config);
  const plan = planJoiner({ config, layout, files, workDir, bind, owner });
  return [
    { title: `rsyncd.conf in ${workDir}`, lines: plan.daemonConfig.trimEnd().split('\n') },
    { title: 'listener', lines: [showCommand(plan.listener)] },
  ];
}

async function previewDonor(
  config: Config,
  layout: Layout,
  files: TunnelFiles,
  credentials: Credentials,
): Promise<Preview['sections']> {
  const connect = connectAddress(config.address, expectedPin(config, credentials), config.tls, files);
  const client: TunnelClient = {
    connect,
    secret: 'the one in the joiner’s address',
    timeoutSeconds: Math.ceil(config.idleTimeoutMs / 1000),
    withoutChecksums: true,
  };
  const inventory = await takeInventory(layout, { maxBinlogs: config.maxBinlogs });
  const streams = splitIntoStreams(inventory.files, config.streams);
  const modules: Readonly<Record<Place, string>> = sharedModules(layout);
  const copies = streams.flatMap((stream, index) =>
    planJobs(stream, layout, modules).map((job, step) => {
      const name = `copy stream ${index + 1}${step === 0 ? '' : `.${step + 1}`}`;
      const list = `${workDir}/${name.replaceAll(' ', '-')}.list`;
      return `# ${job.files.length} files, ${job.bytes} bytes\n${showCommand(sendFiles(job, list, name, client))}`;
    }),
  );
  const message = (file: string): string =>
    showCommand(sendMessage(`${workDir}/${file}`, messageModules.inbox, file, client));
  const reply = (module: string, file: string): string =>
    showCommand(fetchMessage(file, module, `${workDir}/`, file, client));
  return [
    { title: `tunnel to ${formatAddress(config.address)}`, lines: [showTunnelClient(client)] },
    {
      title: 'offer and answer, before the lock',
      lines: [message(messageFiles.offer), reply(messageModules.answer, messageFiles.answer)],
    },
    {
      title: 'copy, under the lock (modules as for a joiner with the same directories as this donor)',
      lines: copies,
    },
    {
      title: 'manifest and verdict, after the lock',
      lines: [message(messageFiles.final), reply(messageModules.verdict, messageFiles.verdict)],
    },
  ];
}

/** The handshake decides; without one, the name that a joiner's certificate has if it names the address literally. */
function expectedPin(config: Config, { identity }: Credentials): string | undefined {
  if (config.tls.mode !== 'VERIFY_IDENTITY') return undefined;
  const own = matchName(identity.leaf, config.address.host);
  return own === undefined ? config.address.host : pinFor(identity.leaf, own);
}
