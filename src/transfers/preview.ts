import { hostname } from 'node:os';
import { join } from 'node:path';
import { matchName } from '../certificates/names.js';
import { pinFor } from '../certificates/pin.js';
import { formatAddress } from '../config/address.js';
import type { Config } from '../config/config.js';
import { mayBeSpared, mayDiffer, SentFiles } from '../datadir/changes.js';
import { FileTable, type Files } from '../datadir/file-table.js';
import { takeInventory, type Inventory, type InventoryFile } from '../datadir/inventory.js';
import { resolveLayout, type Layout } from '../datadir/layout.js';
import { findSchemaLinks } from '../datadir/schema-links.js';
import { findingOf, type Finding } from '../errors.js';
import { showCommand, type Command } from '../plan/command.js';
import { isSameWay, sendFiles, showTunnelClient, type TunnelClient } from '../plan/donor.js';
import { planJoiner, sharedModules } from '../plan/joiner.js';
import { planMessages } from '../plan/message-commands.js';
import type { TunnelFiles } from '../plan/tunnel.js';
import { findTools, type Tools } from '../processes/tools.js';
import { expectCompressor, isMeasured } from './compression.js';
import { filesOfPass } from './copy-ahead.js';
import { checkOwnCredentials, loadCredentials, tunnelFiles, type Credentials } from './credentials.js';
import { refuseExternalTables } from './donate.js';
import { planKernelTls, withSettings, type KernelTls } from './ktls.js';
import { whereToListen } from './listening-place.js';
import { findNotFiles } from './not-files.js';
import { checkPort } from './port.js';
import { checkPlaces } from './preflight.js';
import { planStreams, waysOf, type Pass } from './streams.js';
import { tunnelClient } from './tunnel-client.js';
import { checkTemporaryDirectory, dirPrefix, lookAtClaim, temporaryDirectory } from './workplace.js';

/** What a transfer would run, as text blocks with a title each, and what its checks find. */
export interface Preview {
  readonly sections: readonly Section[];
  readonly findings: readonly Finding[];
}

interface Section {
  readonly title: string;
  readonly lines: readonly string[];
}

/** What is known of a transfer beside its configuration. */
export interface Prospect {
  readonly now: Date;
  /** User and group of this process. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Donor: an IST follows. */
  readonly bypass: boolean;
}

/**
 * Plans a transfer from configuration and files on disk, without running, opening or writing anything: the same
 * decisions and checks as a transfer's, in the same order. What does not stop the planning is a finding.
 */
export async function previewTransfer(config: Config, prospect: Prospect): Promise<Preview> {
  const findings: Finding[] = [];
  const note = async <T>(check: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await check();
    } catch (error) {
      findings.push(findingOf(error));
      return undefined;
    }
  };
  const layout = resolveLayout(config.directories, hostname());
  findings.push(...checkPlaces(config, layout, prospect));
  const credentials = await note(() => loadCredentials(config));
  if (credentials !== undefined)
    findings.push(...(await checkOwnCredentials(config, credentials, prospect.now)));
  const tools = await note(findTools);
  const place = config.role === 'joiner' ? await whereToListen(config) : undefined;
  findings.push(...(place?.findings ?? []));
  const kernelTls = planKernelTls(config);
  findings.push(...kernelTls.findings);
  await note(() => refuseRunning(layout));
  await note(() => checkTemporaryDirectory(config.tmpDir));
  if (place !== undefined) await note(() => checkPort(config, place.bind));
  if (credentials === undefined || tools === undefined) return { sections: [], findings };

  const workDir = join(temporaryDirectory(config.tmpDir), `${dirPrefix}XXXXXX`);
  const ownFiles = tunnelFiles(credentials, () => join(workDir, 'identity.pem'));
  const files = withSettings(ownFiles, kernelTls, (name) => join(workDir, name));
  const forOpenssl = previewSettings(kernelTls, workDir);
  if (place !== undefined) {
    const sections = previewJoiner(config, layout, files, workDir, place.bind, prospect.owner);
    return { sections: [...forOpenssl, ...sections], findings };
  }
  const inventory = await note(() => takeInventory(layout, { maxBinlogs: config.maxBinlogs }));
  if (inventory === undefined) return { sections: [], findings };
  await note(() => refuseExternalTables(inventory));
  findings.push(...findNotFiles(inventory));
  const { compressor, findings: ofCompressor } = expectCompressor(config, tools.compressors);
  findings.push(...ofCompressor);
  const mayCompress = isMeasured(config, inventory.files) && tools.compressors.includes('zstd');
  const client = { ...previewClient(config, files, credentials, tools), compressor };
  const messages = planMessages(client, workDir);
  const sections = [
    ...forOpenssl,
    { title: `tunnel to ${formatAddress(config.address)}`, lines: [showTunnelClient(client)] },
    ...(prospect.bypass
      ? [{ title: 'position for an IST, no files', lines: [showCommand(messages.final)] }]
      : previewCopy({ config, layout, inventory, client, workDir, mayCompress })),
  ];
  return { sections, findings };
}

/** A transfer that has died is no obstacle: the next one cleans up. */
function refuseRunning({ roots }: Layout): void {
  const claim = lookAtClaim(roots.data);
  if (claim.kind === 'running' || claim.kind === 'unreadable') throw claim.error;
}

function previewSettings({ settings }: KernelTls, workDir: string): readonly Section[] {
  if (settings === undefined) return [];
  return [{ title: `openssl.cnf in ${workDir}`, lines: settings.trimEnd().split('\n') }];
}

function previewJoiner(
  config: Config,
  layout: Layout,
  files: TunnelFiles,
  workDir: string,
  bind: string | undefined,
  owner: Prospect['owner'],
): readonly Section[] {
  const plan = planJoiner({ config, layout, links: findSchemaLinks(layout), files, workDir, bind, owner });
  return [
    { title: `rsyncd.conf in ${workDir}`, lines: plan.daemonConfig.trimEnd().split('\n') },
    { title: 'listener', lines: [showCommand(plan.listener)] },
  ];
}

function previewClient(
  config: Config,
  files: TunnelFiles,
  credentials: Credentials,
  tools: Tools,
): TunnelClient {
  const pin = expectedPin(config, credentials);
  return tunnelClient(config, { files, pin, tools, secret: "the one in the joiner's address" });
}

/** As for a joiner with the same versions and directories that has nothing of the copy yet, while the server writes nothing. */
function previewCopy({
  config,
  layout,
  inventory,
  client,
  workDir,
  mayCompress,
}: {
  readonly config: Config;
  readonly layout: Layout;
  readonly inventory: Inventory;
  readonly client: TunnelClient;
  readonly workDir: string;
  /** It is decided before the first pass. */
  readonly mayCompress: boolean;
}): readonly Section[] {
  const messages = planMessages(client, workDir);
  const sent = new SentFiles();
  const ahead =
    config.precopy === 0
      ? { due: new FileTable<InventoryFile>(), all: new FileTable<InventoryFile>() }
      : filesOfPass(1, inventory, sent, Infinity, config.precopy);
  for (const file of ahead.due) sent.set(file, inventory);
  const due = inventory.files.filter((file) => mayDiffer(file, sent.get(file)));
  const modules = sharedModules(layout);
  const certain = inventory.files.filter(
    (file) => !mayBeSpared(file, inventory) && modules[file.place] !== '',
  );
  const isSimilar = (): boolean => sent.size > 0;
  const about = { name: '', isSimilar, layout, modules, client };
  const ways = [...waysOf({ ...about, files: certain }, config.streams)];
  const aria = certain.filter(({ place }) => place === 'aria');
  const spare = waysOf({ ...about, files: aria }, 1).map((way) =>
    sendFiles(way, undefined, 'copy again stream 1', client),
  );
  const copies = (name: string, files: Files<InventoryFile>, server: Pass['server']): string[] =>
    planStreams(
      { name, files, isSimilar: () => server === 'locked' && isSimilar(), layout, modules, client, server },
      config.streams,
      workDir,
    ).flatMap((stream) =>
      stream.copies.map(({ job, command }) => {
        // What has connected before the lock is told the names of its files then.
        const way = ways.findIndex((one) => isSameWay(one, job));
        const waits = server === 'locked' && way !== -1;
        if (waits) ways.splice(way, 1);
        const shown = waits ? sendFiles(job, undefined, command.name, client) : command;
        return `# ${job.files.length} files, ${job.bytes} bytes\n${showCommand(shown)}`;
      }),
    );
  const decidedLater = mayCompress ? ['# compressor=auto: what link and data show may add --compress'] : [];
  const show = (...commands: readonly Command[]): string[] => commands.map(showCommand);
  return [
    { title: 'offer and answer', lines: show(messages.sign, messages.offer, messages.answer) },
    { title: "the joiner's verdict, asked for from here on", lines: show(messages.verdict) },
    ...(ahead.due.length === 0
      ? []
      : [
          {
            title: 'copy while the server writes, repeated while that pays',
            lines: [...decidedLater, ...copies('pass 1', ahead.all, 'writing')],
          },
          { title: 'how much it is in all, when that has changed', lines: show(messages.total) },
        ]),
    {
      title:
        ahead.due.length === 0
          ? 'copy under the lock'
          : 'copy under the lock, and with it what has changed since it was sent',
      lines: [...decidedLater, ...copies('copy', due, 'locked')],
    },
    ...(spare.length === 0 ? [] : [{ title: 'for what changes under the lock', lines: show(...spare) }]),
    { title: 'manifest, after the lock', lines: show(messages.final) },
    { title: 'how far the joiner is, while it compares for long', lines: show(messages.verifying) },
  ];
}

/** The handshake decides; without one, the name as this node's certificate has it, or literally. */
function expectedPin(config: Config, { identity }: Credentials): string | undefined {
  if (config.tls.mode !== 'VERIFY_IDENTITY') return undefined;
  const wanted = config.tls.sockopt.commonName ?? config.address.host;
  const own = matchName(identity.leaf, wanted);
  return own === undefined ? wanted : pinFor(identity.leaf, own);
}
