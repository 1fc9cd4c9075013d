import { isIP } from 'node:net';
import { loadServer, type GivenServer } from '../agent/servers.js';
import { listNames, type Blame } from '../certificates/checks.js';
import type { CertificateFacts } from '../certificates/facts.js';
import { chainOf, loadIdentity } from '../certificates/identity.js';
import { changeMaster, sqlText } from '../certificates/option-lines.js';
import { fetchPresented, type Presented } from '../certificates/presented.js';
import { loadRevocation, type Revocation } from '../certificates/revocation.js';
import { asPrograms } from '../certificates/secure-limits.js';
import { loadTrust, type Trust } from '../certificates/trust.js';
import { asTransferError, findingOf, TransferError, type Finding } from '../errors.js';
import { shellQuote } from '../shell-quote.js';
import { targetOf } from './target.js';
import { judgePresented } from './judge.js';
import { reportOf, section, type CheckReport, type Section } from './report.js';
import { clientTls, serverTls, type OwnTls } from './server-tls.js';

/**
 * `check --replication-from`: speaks the server's protocol up to TLS and judges the primary's certificate as a replica
 * on this host would, with the CA, certificate, key and ciphers of `[mysqld]`, else of `[client]`.
 */
export async function checkReplication(given: GivenServer, primary: string, now: Date): Promise<CheckReport> {
  const title = `replication from ${primary}`;
  try {
    const parsed = targetOf(primary, '--replication-from');
    const port = /:\d+$/.test(primary) && isIP(primary) !== 6 ? parsed.port : 3306;
    const tls = await replicaTls(given);
    return await judge(title, { host: parsed.host, port }, tls, now);
  } catch (error) {
    if (!(error instanceof TransferError)) throw error;
    return reportOf(title, [section('REQUIRED', [], [findingOf(error)])]);
  }
}

async function replicaTls(given: GivenServer): Promise<OwnTls> {
  const { settings } = await loadServer(given);
  const server = settings === undefined ? {} : serverTls(given, settings);
  return server.ca === undefined && server.caPath === undefined ? clientTls(given) : server;
}

async function judge(
  title: string,
  { host, port }: { readonly host: string; readonly port: number },
  tls: OwnTls,
  now: Date,
): Promise<CheckReport> {
  const { ca, caPath, cert, key } = tls;
  const identity = cert === undefined ? undefined : loadIdentity({ cert, key });
  const trust = trustOf(tls);
  const { chain, protocol, cipher, version, refusal, objection } = await fetchPresented({
    host,
    port,
    speaks: 'mysql',
    timeoutMs: 10_000,
    options: {
      ...asPrograms({ ciphers: tls.ciphers }),
      ...(identity === undefined ? {} : { cert: chainOf(identity), key: identity.keyPem }),
      ...(trust === undefined || trust instanceof TransferError
        ? {}
        : { ca: trust.certificates.map(({ pem }) => pem) }),
    },
  });
  const [leaf] = chain;
  if (leaf === undefined) throw new TransferError('PEER_PROTOCOL', 'the primary shows no certificate');
  const required = section(
    'REQUIRED',
    [version ?? '', `${protocol} ${cipher}`, `shows ${leaf.subject}`],
    refusal === undefined ? [] : [findingOf(refusal)],
  );
  const blame = {
    who: "the primary's certificate",
    trustName: ca?.source.name ?? caPath?.source.name ?? 'ssl_ca',
    chainName: 'what it sent',
  };
  const wrong = trust === undefined ? [noCa] : judgeWith(tls, trust, { chain, objection }, now, blame);
  const verifyCa = section('VERIFY_CA', wrong.length === 0 ? ['leads up to the CA, valid now'] : [], wrong);
  const named = nameFindings(leaf, host);
  const broken = wrong.filter(({ severity }) => severity === 'error');
  const verifyIdentity: Section = section(
    'VERIFY_IDENTITY',
    named.length === 0 ? [`names ${host}`] : [],
    // the name is no help while the certificate itself is refused
    named.length === 0 && broken.length > 0
      ? [{ ...unverified, message: 'refused as with VERIFY_CA' }]
      : named,
  );
  return reportOf(
    title,
    [required, verifyCa, verifyIdentity],
    [
      [required, verifyIdentity].some(({ status }) => status === 'error')
        ? '-- once that is repaired:'
        : '-- on the replica:',
      changeMaster({
        host,
        port,
        ca: ca?.value,
        cert: cert?.value,
        key: cert === undefined ? undefined : (key ?? cert).value,
        crl: tls.crlFile?.value,
        caPath: caPath?.value,
        crlPath: tls.crlPath?.value,
        ciphers: tls.ciphers?.value,
      }),
    ],
  );
}

/** Undefined where nothing names a CA. Files that cannot be read stop a replica that verifies, and only that. */
function trustOf({ ca, caPath }: OwnTls): Trust | TransferError | undefined {
  if (ca === undefined && caPath === undefined) return undefined;
  try {
    return loadTrust({ caFile: ca, caPath });
  } catch (error) {
    return asTransferError(error);
  }
}

function judgeWith(
  tls: OwnTls,
  trust: Trust | TransferError,
  { chain, objection }: Pick<Presented, 'chain' | 'objection'>,
  now: Date,
  blame: Blame,
): readonly Finding[] {
  if (trust instanceof TransferError) return [findingOf(trust)];
  try {
    return judgePresented(chain, trust, listsOf(tls), now, blame, objection);
  } catch (error) {
    return [findingOf(error)];
  }
}

/** Where there are lists MariaDB's client library has OpenSSL ask for one of every CA in the chain. */
function listsOf(tls: OwnTls): Revocation | undefined {
  const revocation = loadRevocation(tls);
  return revocation === undefined ? undefined : { ...revocation, needsAll: true };
}

const noCa: Finding = {
  severity: 'error',
  code: 'OPTION_MISSING',
  message: 'neither [mysqld] nor [client] of this host names a CA: nothing can be verified',
  option: 'ssl_ca',
  hint: "set ssl_ca to the file with the CA's certificate, and MASTER_SSL_CA to the same; my_print_defaults mysqld shows what is set",
};

const unverified: Omit<Finding, 'message'> = {
  severity: 'error',
  code: 'CERTIFICATE_UNTRUSTED',
  hint: 'see VERIFY_CA above',
};

/** As OpenSSL compares, in MariaDB's client library: a subjectAltName with DNS names hides the common name. */
function nameFindings(leaf: CertificateFacts, host: string): readonly Finding[] {
  const named =
    isIP(host) === 0 ? leaf.x509.checkHost(host) : (leaf.x509.checkIP(host) ?? leaf.x509.checkHost(host));
  if (named !== undefined) return [];
  const names = [
    ...leaf.dnsNames,
    ...leaf.ipAddresses,
    ...(leaf.commonName === undefined ? [] : [leaf.commonName]),
  ];
  const other = names.find((name) => !name.startsWith('*'));
  return [
    {
      severity: 'error',
      code: 'CERTIFICATE_NAME_MISMATCH',
      message: `MASTER_HOST=${JSON.stringify(host)} is not what the primary's certificate is for: it has ${listNames(leaf)}`,
      hint: `use MASTER_HOST=${other === undefined ? 'a name of the certificate' : sqlText(other)} (in /etc/hosts if need be), or issue the primary's certificate with --san ${shellQuote(host)}`,
    },
  ];
}
