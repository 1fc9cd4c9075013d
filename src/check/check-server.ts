import { existsSync } from 'node:fs';
import type { GivenServer, ServerConfig } from '../agent/servers.js';
import { duration } from '../certificates/checks.js';
import { formatAddress } from '../config/address.js';
import { listSettings, originOf } from '../config/describe.js';
import type { Settings } from '../config/settings.js';
import { createAgentClient } from '../control/agent-client.js';
import { judgeSocket } from '../control/socket.js';
import { spaceLeft } from '../datadir/space-check.js';
import { findingOf, TransferError, type Finding } from '../errors.js';
import { showBytes } from '../observe/quantities.js';
import { findTools } from '../processes/tools.js';
import { checkCopy, type CheckedCopy } from '../transfers/check-copy.js';
import { checkNode, type CheckedServer, type NodeFinding } from '../transfers/check-node.js';
import { reportOf, section, topicOf, topics, type CheckReport, type Section, type Topic } from './report.js';
import { checkInstallation } from './installation.js';
import { loadLeniently } from './load-leniently.js';
import { checkServerTls } from './server-tls.js';

/**
 * Everything that a transfer needs, as joiner and as donor: the checks that transfers make themselves, and what
 * surrounds them, the agent for a script that runs as user `uid`. Never throws.
 */
export async function checkServer(
  given: GivenServer,
  { socketPath, uid }: { readonly socketPath: string; readonly uid: number },
  now: Date,
): Promise<CheckReport> {
  const { result, settings, errors, warnings } = await loadLeniently(given);
  const config = result instanceof TransferError ? undefined : result;
  const checked = config === undefined ? undefined : await checkNode(config.node, now);
  const copy = await copyOf(config, checked);
  const agent = await agentSection(socketPath, uid);
  const findings: readonly Finding[] = [
    ...errors.map(findingOf),
    ...warnings,
    ...(checked?.findings.map(forRoles) ?? []),
    ...(copy?.findings.map((finding) => forRoles({ ...finding, roles: ['donor'] })) ?? []),
  ];
  const facts: Record<Topic, readonly string[]> = {
    options: config === undefined ? [] : optionFacts(config),
    tools: await toolFacts(),
    certificates: certificateFacts(checked),
    names: config === undefined ? [] : nameFacts(config),
    dates: dateFacts(checked, now),
    port: config === undefined ? [] : [`a joiner listens at ${formatAddress(config.node.joiner.address)}`],
    directories: config === undefined ? [] : await directoryFacts(config, copy),
    // Nobody has looked where the options do not say where the data lies.
    leftovers:
      config === undefined || findings.some(({ code }) => topicOf(code) === 'leftovers') ? [] : ['none'],
    server: [],
    "server's TLS": [],
    "clients' TLS": [],
    agent: [],
  };
  const others = [agent, ...(settings === undefined ? [] : await otherSections(given, settings, now))];
  const sections = topics.map(
    (name): Section =>
      others.find((one) => one.name === name) ??
      section(
        name,
        facts[name],
        findings.filter(({ code }) => topicOf(code) === name),
      ),
  );
  const where = config === undefined ? given.name : config.node.joiner.directories.dataDir.value;
  // Nothing but the options could be looked at where they cannot be read.
  const known: readonly string[] = settings === undefined ? ['options', 'tools', 'agent'] : topics;
  const shown = sections.filter(
    ({ name, facts: seen, findings: wrong }) =>
      known.includes(name) && (config !== undefined || seen.length + wrong.length > 0),
  );
  return reportOf(`transfers of the server in ${where}`, shown);
}

/** Where the directories themselves are in order: what is wrong with them would be found again with every file. */
async function copyOf(
  config: ServerConfig | undefined,
  checked: CheckedServer | undefined,
): Promise<CheckedCopy | undefined> {
  const isBroken = checked?.findings.some(
    ({ code, severity }) => severity === 'error' && topicOf(code) === 'directories',
  );
  return config === undefined || isBroken === true ? undefined : checkCopy(config.node.donor);
}

async function otherSections(given: GivenServer, settings: Settings, now: Date): Promise<readonly Section[]> {
  return [await checkInstallation(settings), ...(await checkServerTls(given, settings, now))];
}

/** In the text, as people read it: most hold for both roles. */
function forRoles(finding: NodeFinding): Finding {
  const { roles, ...rest } = finding;
  const [role] = roles;
  return roles.length === 1 && role !== undefined
    ? { ...rest, message: `as ${role}: ${finding.message}` }
    : rest;
}

/** What was set, in whichever role it counts, with its place; the rest has its default. */
function optionFacts({ node: { joiner, donor } }: ServerConfig): readonly string[] {
  const { tls } = joiner;
  const isDefault = tls.mode === 'VERIFY_IDENTITY' && joiner.sources['ssl-mode'] === undefined;
  const given = [joiner, donor].flatMap(listSettings).flatMap((setting) => {
    const origin = originOf(setting);
    return origin === undefined ? [] : [`${setting.name}=${setting.value} (${origin})`];
  });
  return [...(isDefault ? [`ssl-mode=${tls.mode}`] : []), ...new Set(given)];
}

async function toolFacts(): Promise<readonly string[]> {
  const node = `node ${process.versions.node} with OpenSSL ${process.versions.openssl}`;
  try {
    const { socat, rsync } = await findTools();
    return [`socat ${socat}`, `rsync ${rsync}`, node];
  } catch {
    return [node];
  }
}

function certificateFacts(checked: CheckedServer | undefined): readonly string[] {
  return (checked?.certificates ?? []).map(
    ({ use, subject }) => `${use === 'own' ? 'shows' : 'trusts'} ${subject}`,
  );
}

function dateFacts(checked: CheckedServer | undefined, now: Date): readonly string[] {
  const clock = `this host's clock says ${now.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const ends = (checked?.certificates ?? []).map(({ notAfter }) => new Date(notAfter).getTime());
  if (ends.length === 0) return [clock];
  const first = Math.min(...ends);
  return first < now.getTime()
    ? [clock]
    : [`the first certificate expires in ${duration(first - now.getTime())}`, clock];
}

function nameFacts({ node }: ServerConfig): readonly string[] {
  const { address, bindAddresses } = node.joiner;
  return [`donors connect to ${address.host}`, ...bindAddresses.map(({ value }) => `bind_address ${value}`)];
}

async function directoryFacts(
  { node }: ServerConfig,
  copy: CheckedCopy | undefined,
): Promise<readonly string[]> {
  const dataDir = node.joiner.directories.dataDir.value;
  const sent =
    copy?.size === undefined
      ? []
      : [`as donor it would send ${copy.size.files} files with ${showBytes(copy.size.bytes)}`];
  try {
    return [`${dataDir}: ${showBytes((await spaceLeft(dataDir)).bytes)} free`, ...sent];
  } catch {
    return [dataDir, ...sent];
  }
}

async function agentSection(socketPath: string, uid: number): Promise<Section<'agent'>> {
  try {
    const { version } = await createAgentClient(socketPath).status();
    return section('agent', [`version ${version} at ${socketPath}`], distrust(socketPath, uid));
  } catch (error) {
    if (!existsSync(socketPath))
      return section('agent', [`none at ${socketPath}: the script does transfers itself`], []);
    const hint = 'see systemctl status galera-sst-tunnel; until it answers the script does transfers itself';
    return section('agent', [], [{ ...findingOf(error), severity: 'warning', hint }]);
  }
}

/** Why the script would not hand a transfer to an agent that answers. */
function distrust(socketPath: string, uid: number): readonly Finding[] {
  const trust = judgeSocket(socketPath, uid);
  if (trust.kind !== 'refused') return [];
  const message = `the script hands no transfer to this agent: ${trust.reason}`;
  return [{ severity: 'warning', code: 'AGENT_UNTRUSTED', message, hint: trust.hint }];
}
