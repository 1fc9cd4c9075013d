import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { CertificateFacts } from '../certificates/facts.js';
import type { Config } from '../config/config.js';
import { placeOf } from '../config/source.js';
import { resolveLayout, type Layout } from '../datadir/layout.js';
import { describeFailure, findingOf, type Finding } from '../errors.js';
import { findTools } from '../processes/tools.js';
import { shellQuote } from '../shell-quote.js';
import { expectCompressor } from './compression.js';
import { checkOwnCredentials, loadParts, type CredentialParts } from './credentials.js';
import { expiryStage } from './expiry.js';
import { planKernelTls } from './ktls.js';
import { whereToListen } from './listening-place.js';
import { checkPartialCopy } from './partial-copy.js';
import { checkPort } from './port.js';
import { progressMark } from './own-files.js';
import { checkPlaces } from './preflight.js';
import { checkTemporaryDirectory, lookAtClaim } from './workplace.js';

/** The configurations that one server would use in its two roles. */
export interface NodeConfig {
  readonly joiner: Config;
  readonly donor: Config;
}

/** A certificate that a transfer would use. */
export interface CheckedCertificate {
  readonly use: 'own' | 'trusted';
  readonly subject: string;
  /** Hexadecimal. */
  readonly serial: string;
  /** ISO 8601. */
  readonly notAfter: string;
}

/** Something that a check found, and in which roles it would matter. */
export interface NodeFinding extends Finding {
  readonly roles: readonly ('joiner' | 'donor')[];
}

/** What a server's self-check has found; plain JSON. */
export interface CheckedServer {
  readonly dataDir: string;
  /** ISO 8601. */
  readonly at: string;
  readonly findings: readonly NodeFinding[];
  readonly certificates: readonly CheckedCertificate[];
  /**
   * Files, and directories with a `/` at the end, whose change makes another check worth while; option files are the
   * caller's.
   */
  readonly files: readonly string[];
}

/**
 * Does the checks that a joiner and a donor do before a transfer, while there is none: the same code, everything that
 * would fail at once, not only the first; nothing is changed, opened or sent. Never throws.
 */
export async function checkNode({ joiner, donor }: NodeConfig, now: Date): Promise<CheckedServer> {
  const found = [
    ...(await checkRole(joiner, now)).map((finding) => ({ finding, role: 'joiner' as const })),
    ...(await checkRole(donor, now)).map((finding) => ({ finding, role: 'donor' as const })),
  ];
  const loaded = [joiner, donor].map(loadParts);
  return {
    dataDir: joiner.directories.dataDir.value,
    at: now.toISOString(),
    findings: merge(found),
    certificates: certificatesOf(loaded),
    files: [...new Set([joiner, donor].flatMap(filesOf))],
  };
}

async function checkRole(config: Config, now: Date): Promise<Finding[]> {
  const layout = attempt(() => resolveLayout(config.directories, hostname()));
  // While a transfer runs its port and its files are as they should be, whoever runs it.
  const isBusy = layout !== undefined && lookAtClaim(layout.roots.data).kind === 'running';
  const checks: (() => readonly Finding[] | Promise<readonly Finding[]>)[] = [
    () => (layout === undefined ? layoutFailure(config) : checkPlaces(config, layout)),
    () => checkCredentials(config, now),
    async () => {
      const { compressors } = await findTools();
      return config.role === 'donor' ? expectCompressor(config, compressors).findings : [];
    },
    () => planKernelTls(config).findings,
    () => {
      checkTemporaryDirectory(config.tmpDir);
      return [];
    },
    ...(isBusy || layout === undefined
      ? []
      : [() => checkLeftovers(layout), () => checkPartialCopy(layout.roots.data)]),
    ...(isBusy || layout === undefined || config.role === 'donor'
      ? []
      : [() => checkListener(config, layout)]),
  ];
  const results = await Promise.all(checks.map((check) => findingsOf(check)));
  return results.flat();
}

/** What a check throws is a finding too. */
async function findingsOf(
  check: () => readonly Finding[] | Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await check();
  } catch (error) {
    return [findingOf(error)];
  }
}

function layoutFailure(config: Config): readonly Finding[] {
  resolveLayout(config.directories, hostname());
  return [];
}

/** A transfer warns of the last two weeks only; with nobody waiting there is time to warn of a month. */
async function checkCredentials(config: Config, now: Date): Promise<readonly Finding[]> {
  const parts = loadParts(config);
  const { identity, trust } = parts;
  const findings = (await checkOwnCredentials(config, parts, now)).filter(
    ({ code }) => code !== 'CERTIFICATE_EXPIRES_SOON',
  );
  const { cert, caFile, caPath } = config.tls;
  const ca = caFile ?? caPath;
  return [
    ...parts.failures,
    ...findings,
    ...(identity === undefined
      ? []
      : expiryStage(identity.leaf, "this node's certificate", now, {
          option: cert.source.name,
          where: placeOf(cert.source),
        })),
    ...(trust?.certificates ?? []).flatMap((facts) =>
      expiryStage(facts, 'the trusted CA certificate', now, {
        option: ca?.source.name,
        where: ca === undefined ? undefined : placeOf(ca.source),
      }),
    ),
  ];
}

async function checkListener(config: Config, layout: Layout): Promise<readonly Finding[]> {
  const { bind, findings } = await whereToListen(config);
  // A transfer can have begun since.
  if (lookAtClaim(layout.roots.data).kind !== 'running') await checkPort(config, bind);
  return findings;
}

/** The next transfer cleans up; until then `sst_in_progress` makes probes and operators believe that one runs. */
function checkLeftovers({ roots }: Layout): readonly Finding[] {
  const mark = join(roots.data, progressMark);
  const claim = lookAtClaim(roots.data);
  if (claim.kind === 'unreadable') throw claim.error;
  const found = [...(claim.kind === 'stale' ? claim.paths : []), ...(existsSync(mark) ? [mark] : [])];
  return found.length === 0
    ? []
    : [
        {
          severity: 'warning',
          code: 'LEFTOVERS',
          message: `a transfer that did not end by itself has left ${found.join(', ')}`,
          hint: `the next transfer cleans up; if none is due and galera-sst-tunnel status shows none: rm -rf -- ${found.map(shellQuote).join(' ')}`,
        },
      ];
}

/** Findings that both roles share are told once. */
function merge(
  found: readonly { readonly finding: Finding; readonly role: 'joiner' | 'donor' }[],
): NodeFinding[] {
  const merged = new Map<string, NodeFinding>();
  for (const { finding, role } of found) {
    const key = `${finding.severity} ${finding.code} ${describeFailure(finding)}`;
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { ...finding, roles: [role] });
    else if (!known.roles.includes(role)) merged.set(key, { ...known, roles: [...known.roles, role] });
  }
  return [...merged.values()];
}

function certificatesOf(loaded: readonly CredentialParts[]): CheckedCertificate[] {
  const all = loaded.flatMap(({ identity, trust }) => [
    ...(identity === undefined ? [] : [identity.leaf, ...identity.chain]).map((facts) =>
      describe(facts, 'own'),
    ),
    ...(trust?.certificates ?? []).map((facts) => describe(facts, 'trusted')),
  ]);
  return [...new Map(all.map((one) => [`${one.use} ${one.subject} ${one.serial}`, one])).values()];
}

function describe(facts: CertificateFacts, use: CheckedCertificate['use']): CheckedCertificate {
  const { subject, x509, notAfter } = facts;
  return { use, subject, serial: x509.serialNumber, notAfter: notAfter.toISOString() };
}

function filesOf({ tls, directories }: Config): string[] {
  const files = [tls.cert, tls.key, tls.caFile, tls.crlFile, directories.dataDir];
  const folders = [tls.caPath, tls.crlPath];
  return [
    ...files.flatMap((one) => one?.value ?? []),
    ...folders.flatMap((one) => (one === undefined ? [] : `${one.value}/`)),
  ];
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
