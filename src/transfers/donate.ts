import { hostname } from 'node:os';
import { nearMs, probePeer, type PeerFacts } from '../certificates/probe.js';
import { pinFor } from '../certificates/pin.js';
import { formatAddress } from '../config/address.js';
import type { Config } from '../config/config.js';
import { tunnelLimits } from '../config/tunnel-limits.js';
import { FileTable } from '../datadir/file-table.js';
import type { Inventory } from '../datadir/inventory.js';
import { resolveLayout, type Layout } from '../datadir/layout.js';
import type { Manifest } from '../datadir/manifest.js';
import { asTransferError, TransferError, type ErrorCode } from '../errors.js';
import { showTunnelClient, type TunnelClient } from '../plan/donor.js';
import { findTools, type Tools } from '../processes/tools.js';
import type { TransferContext } from './context.js';
import { chooseCongestion } from './congestion.js';
import { courierTo, type Courier } from './courier.js';
import { checkOwnCredentials, loadCredentials, tunnelFiles, type Credentials } from './credentials.js';
import { planKernelTls, withSettings } from './ktls.js';
import { withLifetime } from './lifetime.js';
import { donateToOriginal } from './original-joiner.js';
import { checkPlaces, report } from './preflight.js';
import { serverAnswers } from './own-files.js';
import { donorIdOf } from './resume.js';
import { sendCopy } from './send-copy.js';
import { parseState } from './state.js';
import { tunnelClient } from './tunnel-client.js';
import { delay } from './wait.js';
import { openWorkplace, type Workplace } from './workplace.js';

/** What the donor's server says about the transfer: an IST follows or not, and the state it has for an IST. */
export interface Donation {
  readonly bypass: boolean;
  /** `UUID:seqno` with the domain id after a space. */
  readonly state: string;
}

/**
 * The donor's side of one transfer: checks itself, looks whom it would send to, offers its files, and only when all
 * that is known to work takes the lock, sends, releases the lock, and has the joiner confirm that the copy is complete.
 * For an IST it delivers the state alone.
 * @throws TransferError; the lock has not been asked for unless everything before it went well.
 */
export async function donate(config: Config, donation: Donation, context: TransferContext): Promise<void> {
  await withLifetime(config, context, (within) => donateWithin(config, donation, within));
}

async function donateWithin(config: Config, donation: Donation, context: TransferContext): Promise<void> {
  const { emit } = context;
  emit({ kind: 'phase', phase: 'checking' });
  const layout = resolveLayout(config.directories, hostname());
  report(checkPlaces(config, layout, donation), emit);
  const credentials = loadCredentials(config);
  report(await checkOwnCredentials(config, credentials, context.now()), emit);
  emit({ kind: 'phase', phase: 'handshake' });
  let answered: () => void = () => undefined;
  const answer = new Promise<void>((resolve) => (answered = resolve));
  const shaking = shakeHands(config, credentials, context, answered);
  // Whatever comes of it, a tool that is missing here is told first.
  shaking.catch(() => undefined);
  // To start programs takes ms, in which nobody would see the answer, and how near the joiner is; a name that takes as long to look up is not waited for.
  await Promise.race([answer, delay(nearMs, context.signal)]);
  const tools = await findTools();
  const kernelTls = planKernelTls(config);
  report(kernelTls.findings, emit);
  const peer = await shaking;
  const workplace = openWorkplace({
    dataDir: layout.roots.data,
    tmpDir: config.tmpDir,
    transferId: context.id,
    asked: context.asked,
    emit,
    signs: [serverAnswers.flushed],
  });
  try {
    const ownFiles = tunnelFiles(credentials, (pem) => workplace.write('identity.pem', pem));
    const files = withSettings(ownFiles, kernelTls, (name, text) => workplace.write(name, text));
    const pin = config.tls.mode === 'VERIFY_IDENTITY' ? pinFor(peer.facts, peer.matched) : undefined;
    const congestion = chooseCongestion(peer.connectMs, config.tls.sockopt);
    if (congestion !== undefined) emit({ kind: 'notice', text: congestion.reason });
    const client = tunnelClient(config, {
      files,
      pin,
      tools,
      secret: context.remoteSecret,
      congestion: congestion?.algorithm,
    });
    emit({ kind: 'notice', text: `each rsync below speaks through: ${showTunnelClient(client)}` });
    if (client.secret === undefined) {
      await donateToOriginal({ config, donation, layout, client, tools, workplace, context });
    } else {
      await donateToOwn({ config, donation, layout, client, tools, workplace, context });
    }
  } finally {
    workplace.close();
  }
}

/** A transfer's premises, known to work. */
export interface Premises {
  readonly config: Config;
  readonly donation: Donation;
  readonly layout: Layout;
  readonly client: TunnelClient;
  readonly tools: Tools;
  readonly workplace: Workplace;
  readonly context: TransferContext;
}

async function donateToOwn(premises: Premises): Promise<void> {
  const { donation, workplace } = premises;
  const trouble = new AbortController();
  const signal = AbortSignal.any([premises.context.signal, trouble.signal]);
  const context = { ...premises.context, signal };
  const courier = courierTo(premises.client, workplace, context, (error) => trouble.abort(error));
  try {
    const heard = { ...premises, context };
    const state = donation.bypass ? await bypass(heard, courier) : await sendCopy(heard, courier);
    context.emit({ kind: 'phase', phase: 'done' });
    workplace.close();
    context.say({ kind: 'done', state });
  } catch (thrown) {
    const error = await courier.reasonBehind(thrown);
    // The joiner is told the reason, if it can still be reached; a reason that came from it needs no telling.
    const failure = asTransferError(error);
    if (!courier.isFromJoiner(error) && !untellable.has(failure.code)) {
      await courier.sendFailure(failure).catch(() => undefined);
    }
    throw error;
  }
}

/** Reasons that keep a message from reaching the joiner. */
const untellable: ReadonlySet<ErrorCode> = new Set([
  'PEER_REJECTED_US',
  'SECRET_REFUSED',
  'SOCKOPT_REJECTED',
]);

/** Of a donor that sends its state alone. */
export const emptyInventory: Inventory = {
  takenMs: 0,
  files: new FileTable(),
  directories: [],
  bytes: 0,
  external: [],
  notFiles: [],
};

async function bypass({ donation, layout, context }: Premises, courier: Courier): Promise<string> {
  const state = parseState(donation.state, '--gtid');
  context.say({ kind: 'continue' });
  await courier.sendManifest(describe(emptyInventory, layout, context, state, 'bypass'));
  context.emit({ kind: 'finished', bypass: true, bytes: 0, files: 0, seconds: 0 });
  return state;
}

/** What a donor says that it has to send, or has sent. */
export function describe(
  inventory: Inventory,
  layout: Layout,
  context: TransferContext,
  state: string | undefined,
  pass: Manifest['pass'],
): Manifest {
  const binlogs = Array.from(
    inventory.files.filter(({ place }) => place === 'binlog'),
    ({ path }) => path,
  );
  return {
    format: 1,
    tool: context.version,
    gtid: state,
    pass,
    binlogs,
    innodbFiles: layout.innodbFiles,
    donorId: donorIdOf(layout),
    takenMs: inventory.takenMs,
    files: inventory.files,
    directories: inventory.directories,
    elasticDevices: inventory.elasticDevices,
  };
}

/** Tables with `DATA DIRECTORY` lie where no rsync method looks: better no copy than one that lacks them. */
export function refuseExternalTables({ external }: Inventory): void {
  if (external.length === 0) return;
  const shown = external.slice(0, 10).join(', ');
  const more = external.length > 10 ? ` and ${external.length - 10} more` : '';
  throw new TransferError(
    'DATA_DIRECTORY_TABLES',
    `tables with DATA DIRECTORY lie outside the data directory: ${shown}${more}`,
  );
}

async function shakeHands(
  config: Config,
  { identity, trust, revocation }: Credentials,
  context: TransferContext,
  onConnected: () => void,
): Promise<PeerFacts> {
  const peer = await probePeer({
    host: config.address.host,
    port: config.address.port,
    address: config.tls.sockopt.commonName ?? config.address.host,
    identity,
    trust,
    revocation,
    limits: tunnelLimits(config.tls),
    mode: config.tls.mode,
    now: context.now(),
    timeoutMs: config.connectTimeoutMs === 0 ? 2 ** 31 - 1 : config.connectTimeoutMs,
    signal: context.signal,
    family: config.address.family === 'ip6' ? 6 : config.tls.sockopt.family,
    onConnected,
  });
  context.emit({
    kind: 'notice',
    text: `the joiner at ${formatAddress(config.address)} shows ${JSON.stringify(peer.facts.subject)} (SHA-256 ${peer.facts.fingerprint256}), ${peer.protocol} ${peer.cipher}, answered after ${peer.connectMs.toFixed(2)} ms`,
  });
  return peer;
}
