import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatAddress } from '../config/address.js';
import type { Config } from '../config/config.js';
import { isSparse, takeInventory, type Inventory } from '../datadir/inventory.js';
import { findSchemaLinks } from '../datadir/schema-links.js';
import { resolveLayout, type Layout, type Place } from '../datadir/layout.js';
import { splitIntoStreams } from '../datadir/streams.js';
import { matchName } from '../certificates/names.js';
import { pinFor } from '../certificates/pin.js';
import { TransferError, type Finding } from '../errors.js';
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
import { findTools } from '../processes/tools.js';
import { checkOwnCredentials, loadCredentials, tunnelFiles, type Credentials } from './credentials.js';
import { whereToListen } from './listening-place.js';
import { refuseExternalTables } from './donate.js';
import { checkPort } from './port.js';
import { checkPlaces } from './preflight.js';

/** What a transfer would run, as text blocks with a title each, and what its checks find. */
export interface Preview {
  readonly sections: readonly { readonly title: string; readonly lines: readonly string[] }[];
  readonly findings: readonly Finding[];
}

/** Where a transfer's private directory would be; its last part is random. */
function workDirOf(config: Config): string {
  return join(config.tmpDir?.value ?? tmpdir(), 'galera-sst-tunnel-XXXXXX');
}

/** Plans a transfer from configuration and files on disk, without running, opening or writing anything. */
export async function previewTransfer(
  config: Config,
  surroundings: { readonly now: Date; readonly owner: { uid: number; gid: number } },
): Promise<Preview> {
  const layout = resolveLayout(config.directories, hostname());
  const credentials = loadCredentials(config);
  const files = tunnelFiles(credentials, () => join(workDirOf(config), 'identity.pem'));
  const findings = [
    ...checkPlaces(config, layout),
    ...checkOwnCredentials(config, credentials, surroundings.now),
    ...(await findingOf(findTools)),
  ];
  if (config.role === 'joiner') {
    const { bind, findings: ofPlace } = await whereToListen(config);
    findings.push(...ofPlace);
    findings.push(...(await findingOf(() => checkPort(config, bind))));
    return { sections: previewJoiner(config, layout, files, bind, surroundings.owner), findings };
  }
  const inventory = await takeInventory(layout, { maxBinlogs: config.maxBinlogs });
  findings.push(...(await findingOf(() => refuseExternalTables(inventory))));
  return { sections: previewDonor(config, layout, inventory, files, credentials), findings };
}

/** What a check would have thrown, as a finding. */
async function findingOf(check: () => unknown): Promise<readonly Finding[]> {
  try {
    await check();
    return [];
  } catch (error) {
    if (!(error instanceof TransferError)) throw error;
    const { code, message, option, where, hint } = error;
    return [{ severity: 'error', code, message, option, where, hint }];
  }
}

function previewJoiner(
  config: Config,
  layout: Layout,
  files: TunnelFiles,
  bind: string | undefined,
  owner: { readonly uid: number; readonly gid: number },
): Preview['sections'] {
  const workDir = workDirOf(config);
  const plan = planJoiner({ config, layout, links: findSchemaLinks(layout), files, workDir, bind, owner });
  return [
    { title: `rsyncd.conf in ${workDir}`, lines: plan.daemonConfig.trimEnd().split('\n') },
    { title: 'listener', lines: [showCommand(plan.listener)] },
  ];
}

function previewDonor(
  config: Config,
  layout: Layout,
  inventory: Inventory,
  files: TunnelFiles,
  credentials: Credentials,
): Preview['sections'] {
  const workDir = workDirOf(config);
  const connect = connectAddress(config.address, expectedPin(config, credentials), config.tls, files);
  const client: TunnelClient = {
    connect,
    secret: 'the one in the joiner’s address',
    timeoutSeconds: Math.ceil(config.idleTimeoutMs / 1000),
    withoutChecksums: true,
    // `auto` decides when the joiner is there.
    compressor: config.compressor === 'none' || config.compressor === 'auto' ? undefined : config.compressor,
  };
  const streams = splitIntoStreams(
    Array.from(inventory.files, (file) => ({ ...file, sparse: isSparse(file) })),
    config.streams,
  );
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
