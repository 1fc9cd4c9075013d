import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { placeOf, type Sourced } from '../config/source.js';
import { TransferError, type Finding } from '../errors.js';
import { shellQuote } from '../shell-quote.js';
import {
  blame as placeBehind,
  readCertificateFile,
  safePath,
  statPath,
  unreadable,
} from './certificate-file.js';
import { findChain } from './chain.js';
import { duration, instant, quote, whose, type Blame } from './checks.js';
import { readCrl, serialKey, type CrlFacts } from './crl.js';
import type { CertificateFacts } from './facts.js';
import { isCrlBlock } from './pem.js';
import type { Trust } from './trust.js';

/** The revocation lists that a node was given. */
export interface Revocation {
  readonly lists: readonly CrlFacts[];
  /** The option that names them. */
  readonly setting: Sourced<string>;
  /**
   * Whether every CA must have a list, as in OpenSSL. Not so for lists that were set for the server's own connections:
   * its CA may be another.
   */
  readonly needsAll: boolean;
}

/** Reads `ssl-crl` and `ssl-crlpath`; undefined without either. Throws a TransferError that names option and place. */
export function loadRevocation(given: {
  readonly crlFile?: Sourced<string> | undefined;
  readonly crlPath?: Sourced<string> | undefined;
}): Revocation | undefined {
  const { crlFile, crlPath } = given;
  const setting = crlFile ?? crlPath;
  if (setting === undefined) return undefined;
  const { source } = setting;
  const lists = [
    ...(crlFile === undefined ? [] : readLists(crlFile)),
    ...(crlPath === undefined ? [] : readDirectory(crlPath)),
  ];
  return { lists, setting, needsAll: source.kind === 'file' && source.group.toLowerCase().startsWith('sst') };
}

function readLists(setting: Sourced<string>): readonly CrlFacts[] {
  const file = readCertificateFile(setting);
  const blocks = file.blocks.filter(isCrlBlock);
  if (blocks.length === 0) {
    throw new TransferError(
      'CRL_UNUSABLE',
      `${file.path} holds no revocation list (-----BEGIN X509 CRL-----)`,
      {
        ...placeBehind(setting.source),
        hint: 'convert one in DER: openssl crl -inform DER -in LIST -out LIST.pem',
      },
    );
  }
  return blocks.map(({ der, line }) => {
    try {
      return readCrl(der);
    } catch (cause) {
      const message = `the revocation list at line ${line} of ${file.path} cannot be decoded`;
      throw new TransferError('CRL_UNUSABLE', message, { ...placeBehind(setting.source), cause });
    }
  });
}

/** OpenSSL sees only files whose name is the hash of a CA's name. */
function readDirectory(setting: Sourced<string>): readonly CrlFacts[] {
  const path = safePath(setting);
  statPath(setting);
  let names: readonly string[];
  try {
    names = readdirSync(path).filter((name) => /^[0-9a-f]{8}\.r\d+$/.test(name));
  } catch (cause) {
    throw unreadable(path, setting.source, cause, undefined);
  }
  if (names.length === 0) {
    throw new TransferError(
      'CRL_UNUSABLE',
      `${path} holds no revocation list whose name is a hash (like 1a2b3c4d.r0)`,
      {
        ...placeBehind(setting.source),
        hint: `run: openssl rehash ${shellQuote(path)}`,
      },
    );
  }
  return names.flatMap((name) => readLists({ ...setting, value: join(path, name) }));
}

const clocks = 'check the clocks of this host and of the one that signed the list';
const soonMs = 7 * 86_400_000;

/**
 * Whether a certificate or one of the CAs above it is revoked. A certificate that is trusted for itself (self-signed) has
 * nobody above it who could revoke it: take it out of `tca` instead.
 */
export function checkRevocation(
  leaf: CertificateFacts,
  intermediates: readonly CertificateFacts[],
  trust: Pick<Trust, 'certificates'>,
  revocation: Revocation | undefined,
  now: Date,
  blame: Blame = {},
): readonly Finding[] {
  if (revocation === undefined) return [];
  const chain = findChain(leaf, intermediates, trust.certificates, now);
  // without a chain the certificate is refused anyway
  if (chain.kind !== 'complete') return [];
  const all = [leaf, ...chain.issuers];
  return chain.issuers.flatMap((issuer, index) => {
    const subject = all[index];
    if (subject === undefined) return [];
    const who =
      subject === leaf
        ? whose(leaf, blame)
        : `the CA certificate ${quote(subject.subject)} above ${whose(leaf, blame)}`;
    return checkOne(subject, issuer, revocation, now, who, blame);
  });
}

function checkOne(
  subject: CertificateFacts,
  issuer: CertificateFacts,
  { lists, setting, needsAll }: Revocation,
  now: Date,
  who: string,
  blame: Blame,
): readonly Finding[] {
  const { name } = setting.source;
  const listPlace = { option: name, where: placeOf(setting.source) };
  const own = lists.filter((list) => list.isSignedBy(issuer.x509.publicKey));
  const revokedOn = own
    .map(({ revoked }) => revoked.get(serialKey(subject.x509.serialNumber)))
    .find((date) => date !== undefined);
  if (revokedOn !== undefined) {
    const message = `${who} was revoked on ${revokedOn.toISOString()} (serial ${subject.x509.serialNumber}, by the list that ${name} names)`;
    return [
      { severity: 'error', code: 'CERTIFICATE_REVOKED', message, option: blame.option, where: blame.where },
    ];
  }
  const unusable = (severity: Finding['severity'], message: string, hint?: string): readonly Finding[] => [
    { severity, code: 'CRL_UNUSABLE', message, hint, ...listPlace },
  ];
  const newestFirst = own.toSorted((a, b) => b.thisUpdate.getTime() - a.thisUpdate.getTime());
  const latest = newestFirst.find(({ thisUpdate }) => thisUpdate <= now) ?? newestFirst.at(-1);
  if (latest === undefined) {
    const message = `${setting.value} holds no list of ${quote(issuer.subject)}, which issued ${who}`;
    return unusable(needsAll ? 'error' : 'warning', message);
  }
  if (latest.thisUpdate > now) {
    const ahead = duration(latest.thisUpdate.getTime() - now.getTime());
    const message = `the list of ${quote(issuer.subject)} in ${setting.value} is valid only from ${instant(latest.thisUpdate)}, ${ahead} after this host's clock (${instant(now)})`;
    return unusable('error', message, clocks);
  }
  const next = latest.nextUpdate;
  if (next !== undefined && next < now) {
    const message = `the list of ${quote(issuer.subject)} in ${setting.value} expired ${duration(now.getTime() - next.getTime())} ago`;
    return unusable('error', message);
  }
  if (
    next !== undefined &&
    next.getTime() - now.getTime() < soonMs &&
    next.getTime() - latest.thisUpdate.getTime() > 3 * soonMs
  ) {
    const message = `the list of ${quote(issuer.subject)} in ${setting.value} expires on ${next.toISOString()}`;
    return unusable('warning', message);
  }
  return [];
}
