import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { checkChain } from '../certificates/check-chain.js';
import { readCertificateFile } from '../certificates/certificate-file.js';
import { checkDates, checkNames, checkUsage, type Blame, type WantedName } from '../certificates/checks.js';
import { loadIdentity, type Identity } from '../certificates/identity.js';
import { objectionFinding } from '../certificates/objection.js';
import { askOpenSsl, tryFiles } from '../certificates/openssl-verdict.js';
import { checkRevocation, loadRevocation, type Revocation } from '../certificates/revocation.js';
import { checkCipherList } from '../certificates/secure-limits.js';
import { loadTrust, type Trust } from '../certificates/trust.js';
import type { Config } from '../config/config.js';
import { placeOf } from '../config/source.js';
import { tunnelLimits } from '../config/tunnel-limits.js';
import { isInside, resolveLayout } from '../datadir/layout.js';
import { realPath } from '../datadir/real-path.js';
import { findSchemaLinks } from '../datadir/schema-links.js';
import { findingOf, type Finding } from '../errors.js';
import type { TunnelFiles } from '../plan/tunnel.js';

/** What this node shows to its peer and what it trusts, read and checked. */
export interface Credentials {
  readonly identity: Identity;
  readonly trust: Trust;
  /** Undefined without lists. */
  readonly revocation: Revocation | undefined;
}

/** Reads certificate, key and CAs; throws a TransferError that names option and place. */
export function loadCredentials(config: Config): Credentials {
  const { cert, key, caFile, caPath } = config.tls;
  return {
    identity: loadIdentity({ cert, key }),
    trust: loadTrust({ caFile, caPath }),
    revocation: loadRevocation(config.tls),
  };
}

/** What could be read of them, each by itself. */
export interface CredentialParts {
  readonly identity: Identity | undefined;
  readonly trust: Trust | undefined;
  readonly revocation: Revocation | undefined;
  /** What a transfer would fail with, one after the other. */
  readonly failures: readonly Finding[];
}

/** As loadCredentials, and goes on where something cannot be read: all of it has to be put right. */
export function loadParts(config: Config): CredentialParts {
  const { cert, key, caFile, caPath } = config.tls;
  const failures: Finding[] = [];
  const attempt = <T>(load: () => T): T | undefined => {
    try {
      return load();
    } catch (error) {
      failures.push(findingOf(error));
      return undefined;
    }
  };
  const identity = attempt(() => loadIdentity({ cert, key }));
  const isOfKey = failures.some(({ option }) => option === key?.source.name);
  // The certificate's trouble hides that of the key's file.
  if (identity === undefined && key !== undefined && !isOfKey) attempt(() => readCertificateFile(key));
  const trust = attempt(() => loadTrust({ caFile, caPath }));
  const revocation = attempt(() => loadRevocation(config.tls));
  return { identity, trust, revocation, failures };
}

/**
 * What a peer would find wrong with this node's own certificate, as joiner (server) or donor (client), as far as it could be read.
 * Without verification nothing of it stops a transfer, so that the findings become warnings.
 */
export async function checkOwnCredentials(
  config: Config,
  { identity, trust, revocation }: Omit<CredentialParts, 'failures'>,
  now: Date,
): Promise<readonly Finding[]> {
  const isVerified = config.tls.mode !== 'REQUIRED';
  const { source } = config.tls.cert;
  const blame = { who: "this node's certificate", option: source.name, where: placeOf(source) };
  const ofCertificate =
    identity === undefined ? [] : checkCertificate(config, identity, trust, revocation, now, blame);
  const findings = [
    ...checkOutside(config),
    ...(identity?.findings ?? []),
    ...(trust?.findings ?? []),
    ...ofCertificate,
    ...(identity !== undefined && config.role === 'joiner' && config.tls.mode === 'VERIFY_IDENTITY'
      ? checkOwnNames(config, identity, blame)
      : []),
    ...verificationOff(config),
    ...secretNotAsked(config),
  ];
  // What was found already is told more precisely.
  const isRefused = isVerified && ofCertificate.some(({ severity }) => severity === 'error');
  const objection =
    isRefused || identity === undefined || trust === undefined
      ? []
      : await objectionTo(config, identity, trust, blame);
  const isOfPath = (finding: Finding): boolean => finding.code === 'PATH_UNSAFE';
  return [
    ...(isVerified
      ? findings
      : findings.map((finding) => (isOfPath(finding) ? finding : asWarning(finding)))),
    ...objection,
    ...checkCipherList(tunnelLimits(config.tls)),
  ];
}

function checkCertificate(
  { role, tls }: Config,
  { leaf, chain }: Identity,
  trust: Trust | undefined,
  revocation: Revocation | undefined,
  now: Date,
  blame: Blame,
): readonly Finding[] {
  return [
    ...checkDates(leaf, now, blame),
    ...(trust === undefined || tls.mode === 'REQUIRED' ? [] : checkChain(leaf, chain, trust, now, blame)),
    ...(trust === undefined ? [] : checkRevocation(leaf, chain, trust, revocation, now, blame)),
    ...checkUsage(leaf, role === 'joiner' ? 'server' : 'client', blame),
  ];
}

/** Verified or not: no socat starts with a certificate that its OpenSSL does not take. */
async function objectionTo(
  { role, tls }: Config,
  identity: Identity,
  trust: Trust,
  blame: Blame,
): Promise<readonly Finding[]> {
  const objection =
    tls.mode === 'REQUIRED'
      ? tryFiles(identity)
      : await askOpenSsl(identity, trust, role === 'joiner' ? 'server' : 'client', tunnelLimits(tls));
  return objection === undefined ? [] : [objectionFinding(objection, identity.leaf, blame)];
}

/** The donor checks the effective address only; a `bind_address` that differs from it is worth a warning. */
function checkOwnNames(
  config: Config,
  identity: Identity,
  blame: { option: string; where: string },
): readonly Finding[] {
  const { commonName, source } = config.tls.sockopt;
  const by = commonName === undefined ? config.addressBy : source?.source;
  const effective: WantedName = {
    address: commonName ?? config.address.host,
    what: 'the effective address',
    where: by === undefined ? undefined : `${by.name} at ${placeOf(by)}`,
  };
  const bound = config.bindAddresses
    .filter(({ value }) => value !== effective.address)
    .map(({ value, source }): WantedName => ({
      address: value,
      what: 'bind_address',
      where: placeOf(source),
    }));
  return [
    ...checkNames(identity.leaf, [effective], blame),
    ...checkNames(identity.leaf, bound, blame).map(asWarning),
  ];
}

/** Sub directories of the data directory travel whole, and a joiner loses in them what its donor has not. */
function checkOutside({ tls, directories }: Config): readonly Finding[] {
  const { cert, key, caFile, caPath, crlFile, crlPath } = tls;
  const { roots } = resolveLayout(directories, hostname());
  const copied = [roots.data, realPath(roots.data)];
  const linked = findSchemaLinks({ roots }).map(({ target }) => target);
  return [cert, key, caFile, caPath, crlFile, crlPath].flatMap((setting): Finding[] => {
    if (setting === undefined) return [];
    const path = resolve(roots.data, setting.value);
    const ways = [path, realPath(path)];
    const isCopied = ways.some(
      (way) =>
        copied.some((directory) => isInside(directory, dirname(way)) && directory !== dirname(way)) ||
        linked.some((directory) => isInside(directory, way)),
    );
    if (!isCopied) return [];
    const real = realPath(path);
    return [
      {
        severity: 'error',
        code: 'PATH_UNSAFE',
        message: `${setting.value}${real === path ? '' : `, which is ${real},`} lies in a sub directory of the data directory, which a transfer sends to or fetches from other nodes`,
        option: setting.source.name,
        where: placeOf(setting.source),
        hint: 'move certificates and keys out of the data directory (or to its top level, which is not copied): mv FILE /etc/mysql/ssl/',
      },
    ];
  });
}

function verificationOff(config: Config): readonly Finding[] {
  if (config.tls.mode !== 'REQUIRED') return [];
  const by = config.tls.verificationOffBy;
  return [
    {
      severity: 'warning',
      code: 'VERIFICATION_OFF',
      message: `peers are not verified (${by?.source.kind === 'file' ? `${by.source.name}=${by.value}` : 'ssl-mode=REQUIRED'}): anyone who can reach the port can pose as a node`,
      option: by?.source.name,
      where: by === undefined ? undefined : placeOf(by.source),
    },
  ];
}

function secretNotAsked({ role, allowDonorWithoutSecret, sources }: Config): readonly Finding[] {
  if (role === 'donor' || !allowDonorWithoutSecret) return [];
  const source = sources['allow-donor-without-secret'];
  return [
    {
      severity: 'warning',
      code: 'VERIFICATION_OFF',
      message:
        "donors are let in without the transfer's secret (allow-donor-without-secret): whoever has a certificate that tca vouches for can write into the data directory while this node joins",
      option: 'allow-donor-without-secret',
      where: source === undefined ? undefined : placeOf(source),
      hint: 'remove allow-donor-without-secret once no donor runs the original script any more (galera-sst-tunnel --version is found on all of them)',
    },
  ];
}

function asWarning(finding: Finding): Finding {
  return { ...finding, severity: 'warning' };
}

/** The files to give to socat: the administrator's own, or the identity's private copy when socat needs another order. */
export function tunnelFiles(
  { identity, trust }: Credentials,
  writeIdentity: (pem: string) => string,
): TunnelFiles {
  const own = identity.asGiven
    ? {
        certFile: identity.certFile,
        keyFile: identity.keyFile === identity.certFile ? undefined : identity.keyFile,
      }
    : { certFile: writeIdentity(identity.normalisedPem) };
  return { ...own, caFile: trust.caFile, caPath: trust.caPath };
}
