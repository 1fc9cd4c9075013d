import { loadServer, type GivenServer, type ServerConfig } from '../agent/servers.js';
import { duration } from '../certificates/checks.js';
import { formatAddress } from '../config/address.js';
import { placeOf } from '../config/source.js';
import { createAgentClient } from '../control/agent-client.js';
import { spaceLeft } from '../datadir/space-check.js';
import { findingOf, TransferError, type Finding } from '../errors.js';
import { showBytes } from '../observe/quantities.js';
import { findTools } from '../processes/tools.js';
import { checkNode, type CheckedServer, type NodeFinding } from '../transfers/check-node.js';
import { reportOf, section, topicOf, topics, type CheckReport, type Section, type Topic } from './report.js';
import { checkInstallation } from './installation.js';
import { checkServerTls } from './server-tls.js';

/**
 * Everything that a transfer needs, as joiner and as donor: the checks that transfers make themselves, and what
 * surrounds them. Never throws.
 */
export async function checkServer(given: GivenServer, socketPath: string, now: Date): Promise<CheckReport> {
  const { result, settings } = await loadServer(given);
  const config = result instanceof TransferError ? undefined : result;
  const checked = config === undefined ? undefined : await checkNode(config.node, now);
  const findings: readonly Finding[] = [
    ...(result instanceof TransferError ? [findingOf(result)] : result.warnings),
    ...(checked?.findings.map(forRoles) ?? []),
  ];
  const facts: Record<Topic, readonly string[]> = {
    options: config === undefined ? [] : optionFacts(config),
    tools: await toolFacts(),
    certificates: certificateFacts(checked),
    names: config === undefined ? [] : nameFacts(config),
    dates: dateFacts(checked, now),
    port: config === undefined ? [] : [`a joiner listens at ${formatAddress(config.node.joiner.address)}`],
    directories: config === undefined ? [] : await directoryFacts(config),
    leftovers: findings.some(({ code }) => topicOf(code) === 'leftovers') ? [] : ['none'],
    server: [],
    "server's TLS": [],
    "clients' TLS": [],
    agent: await agentFacts(socketPath),
  };
  const others = settings === undefined ? [] : await otherSections(given, settings, now);
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

async function otherSections(
  given: GivenServer,
  settings: NonNullable<Awaited<ReturnType<typeof loadServer>>['settings']>,
  now: Date,
): Promise<readonly Section[]> {
  return [await checkInstallation(settings), ...checkServerTls(given, settings, now)];
}

/** In the text, as people read it: most hold for both roles. */
function forRoles(finding: NodeFinding): Finding {
  const { roles, ...rest } = finding;
  const [role] = roles;
  return roles.length === 1 && role !== undefined
    ? { ...rest, message: `as ${role}: ${finding.message}` }
    : rest;
}

function optionFacts({ node }: ServerConfig): readonly string[] {
  const { tls } = node.joiner;
  const shown = [tls.cert, tls.key, tls.caFile, tls.caPath, tls.crlFile, tls.crlPath].flatMap((setting) =>
    setting === undefined ? [] : [`${setting.source.name}=${setting.value} (${placeOf(setting.source)})`],
  );
  return [`ssl-mode ${tls.mode}`, ...shown];
}

async function toolFacts(): Promise<readonly string[]> {
  try {
    const { socat, rsync } = await findTools();
    return [`socat ${socat}`, `rsync ${rsync}`];
  } catch {
    return [];
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

async function directoryFacts({ node }: ServerConfig): Promise<readonly string[]> {
  const dataDir = node.joiner.directories.dataDir.value;
  try {
    return [`${dataDir}: ${showBytes((await spaceLeft(dataDir)).bytes)} free`];
  } catch {
    return [dataDir];
  }
}

async function agentFacts(socketPath: string): Promise<readonly string[]> {
  try {
    const { version } = await createAgentClient(socketPath).status();
    return [`version ${version} at ${socketPath}`];
  } catch {
    return [`none at ${socketPath}: the script does transfers itself`];
  }
}
