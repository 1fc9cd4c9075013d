import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TransferError } from '../errors.js';
import { givenFile, readGivenFile, statPath } from './certificate-file.js';
import { hasSigned } from './chain.js';
import { readCrl, serialKey, type CrlFacts } from './crl.js';
import type { CertificateFacts } from './facts.js';
import { loadIdentity, type Identity } from './identity.js';
import type { IssuedCertificate } from './issue.js';
import { issueCrl } from './issue-crl.js';
import { isCrlBlock } from './pem.js';

/** The names of files in a directory of certificates. */
export const authorityFiles = { cert: 'ca.crt', key: 'ca.key', crl: 'crl.pem' } as const;

/** A CA in a directory, ready to sign. */
export interface Authority {
  readonly facts: CertificateFacts;
  readonly pair: IssuedCertificate;
  /** What a node has to show with its own certificate: an intermediate CA and those above it but the root; empty for a root. */
  readonly intermediates: readonly CertificateFacts[];
  readonly certFile: string;
  readonly crlFile: string;
}

/** Opens the CA of a directory; throws a TransferError that says which file is missing or wrong. */
export function openAuthority(dir: string): Authority {
  const certFile = join(dir, authorityFiles.cert);
  if (!isThere(certFile)) {
    throw new TransferError('CERTIFICATE_MISSING', `there is no CA in ${dir}: no ${certFile}`, {
      hint: 'create one with galera-sst-tunnel certs init-ca, or name its directory with --ca-dir',
    });
  }
  const keyFile = join(dir, authorityFiles.key);
  if (!isThere(keyFile)) {
    throw new TransferError('CERTIFICATE_MISSING', `${keyFile} does not exist`, {
      hint: 'nodes have the certificate of the CA alone: name the directory where it was made with --ca-dir',
    });
  }
  const { leaf, chain, keyPem } = readPair(certFile, keyFile);
  if (!leaf.isCa) {
    throw new TransferError(
      'CERTIFICATE_USAGE',
      `${certFile} ${JSON.stringify(leaf.subject)} is no CA certificate`,
      {
        hint: 'only a certificate with basicConstraints CA:TRUE may sign others',
      },
    );
  }
  return {
    facts: leaf,
    pair: { certPem: leaf.pem, keyPem },
    intermediates: leaf.selfIssued ? [] : [leaf, ...chain],
    certFile,
    crlFile: join(dir, authorityFiles.crl),
  };
}

/** A certificate with its key, from files that the command line names. */
export function readPair(certFile: string, keyFile: string): Identity {
  return loadIdentity({ cert: givenFile(certFile), key: givenFile(keyFile) });
}

/** @throws TransferError CERTIFICATE_UNREADABLE for what this user cannot know. */
export function isThere(file: string): boolean {
  try {
    statPath(givenFile(file));
    return true;
  } catch (error) {
    if (error instanceof TransferError && error.code === 'CERTIFICATE_MISSING') return false;
    throw error;
  }
}

/** The CA's present list; undefined before the first. */
export function currentCrl({ crlFile, facts }: Authority): CrlFacts | undefined {
  if (!existsSync(crlFile)) return undefined;
  const block = readGivenFile(crlFile).blocks.find(isCrlBlock);
  if (block === undefined)
    throw new TransferError('CRL_UNUSABLE', `${crlFile} holds no revocation list (-----BEGIN X509 CRL-----)`);
  const crl = readCrl(block.der);
  if (crl.isSignedBy(facts.x509.publicKey)) return crl;
  throw new TransferError('CRL_UNUSABLE', `${crlFile} was not signed by ${JSON.stringify(facts.subject)}`, {
    hint: 'move it away: it belongs to another CA',
  });
}

/** Signs the next list: the present one's entries and those that are new. */
export async function nextCrl(
  authority: Authority,
  given: { readonly revoke: readonly string[]; readonly now: Date; readonly days: number },
): Promise<string> {
  const current = currentCrl(authority);
  const revoked = new Map(current?.revoked);
  for (const serial of given.revoke.map(serialKey)) if (!revoked.has(serial)) revoked.set(serial, given.now);
  return issueCrl({
    ca: authority.pair,
    revoked,
    number: (current?.number ?? 0n) + 1n,
    // a peer whose clock is a little behind accepts it at once
    thisUpdate: new Date(given.now.getTime() - 5 * 60_000),
    nextUpdate: new Date(given.now.getTime() + given.days * 86_400_000),
  });
}

/** Fails when the CA did not sign the certificate. */
export function requireSigned({ facts }: Authority, leaf: CertificateFacts, what: string): void {
  if (hasSigned(facts, leaf)) return;
  throw new TransferError(
    'CERTIFICATE_UNTRUSTED',
    `${what} ${JSON.stringify(leaf.subject)} was issued by ${JSON.stringify(leaf.issuer)}, not by the CA ${JSON.stringify(facts.subject)} at hand`,
    { hint: 'name the directory of the CA that issued it with --ca-dir' },
  );
}
