import { checkNames } from '../certificates/checks.js';
import { chainOf } from '../certificates/identity.js';
import { fetchPresented } from '../certificates/presented.js';
import { probePeer } from '../certificates/probe.js';
import { asPrograms } from '../certificates/secure-limits.js';
import { loadServer, type GivenServer } from '../agent/servers.js';
import type { Config } from '../config/config.js';
import { tunnelLimits } from '../config/tunnel-limits.js';
import { findingOf, TransferError, type Finding } from '../errors.js';
import { loadCredentials, type Credentials } from '../transfers/credentials.js';
import { judgePresented } from './judge.js';
import { reportOf, section, type CheckReport, type Section } from './report.js';
import { targetOf } from './target.js';

const timeoutMs = 10_000;

/** `check --peer`: would this node send to the joiner that listens there, and would that one take it? */
export async function checkPeer(given: GivenServer, peer: string, now: Date): Promise<CheckReport> {
  const title = `the joiner at ${peer}`;
  try {
    const { host, port } = targetOf(peer, '--peer');
    const { result } = await loadServer(given);
    if (result instanceof TransferError) throw result;
    const config = result.node.donor;
    const credentials = loadCredentials(config);
    return reportOf(title, await sectionsOf(config, credentials, { host, port }, now));
  } catch (error) {
    if (!(error instanceof TransferError)) throw error;
    return reportOf(title, [section('handshake', [], [findingOf(error)])]);
  }
}

async function sectionsOf(
  { tls }: Config,
  { identity, trust, revocation }: Credentials,
  { host, port }: { readonly host: string; readonly port: number },
  now: Date,
): Promise<readonly Section[]> {
  const limits = tunnelLimits(tls);
  const own = { cert: chainOf(identity), key: identity.keyPem };
  const { chain, protocol, cipher, objection } = await fetchPresented({
    host,
    port,
    speaks: 'tls',
    timeoutMs,
    options: { ...own, ca: trust.certificates.map(({ pem }) => pem), ...asPrograms(limits) },
  });
  const [leaf] = chain;
  if (leaf === undefined) throw new TransferError('PEER_PROTOCOL', 'it shows no certificate');
  const blame = { who: "the joiner's certificate", chainName: 'what it sent', known: identity.chain };
  const address = tls.sockopt.commonName ?? host;
  const identityFindings = [
    ...judgePresented(chain, trust, revocation, now, blame, objection),
    ...checkNames(leaf, [{ address, what: "the joiner's address" }], blame),
  ];
  const accepted = identityFindings.map((finding) => asItCounts(finding, tls.mode));
  const dates = `valid from ${leaf.notBefore.toISOString()} to ${leaf.notAfter.toISOString()}, by this host's clock it is ${now.toISOString()}`;
  const greeting = await probePeer({
    host,
    port,
    address,
    identity,
    trust,
    limits,
    mode: 'REQUIRED',
    now,
    timeoutMs,
  }).catch((error: unknown) => error);
  const refusal = greeting instanceof TransferError ? [findingOf(greeting)] : [];
  return [
    section('handshake', [`${protocol} ${cipher}`], []),
    section('what it shows', chain.map(({ subject }) => subject).concat(dates), accepted),
    section(
      'what it says of this node',
      refusal.length === 0 ? [`accepts ${identity.leaf.subject}`] : [],
      refusal,
    ),
  ];
}

/** Less is verified with another ssl-mode: what is wrong is told, but stops nothing. */
function asItCounts(finding: Finding, mode: Config['tls']['mode']): Finding {
  const counts =
    mode === 'VERIFY_IDENTITY' || (mode === 'VERIFY_CA' && finding.code !== 'CERTIFICATE_NAME_MISMATCH');
  return counts ? finding : { ...finding, severity: 'warning' };
}
