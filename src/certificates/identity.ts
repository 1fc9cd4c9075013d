import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Source, Sourced } from '../config/source.js';
import { TransferError } from '../errors.js';
import type { Finding } from '../errors.js';
import { shellQuote } from '../shell-quote.js';
import { blame, certificatesOf, readCertificateFile } from './certificate-file.js';
import type { CertificateFile } from './certificate-file.js';
import { hasSigned, isSame } from './chain.js';
import type { CertificateFacts } from './facts.js';
import { isCertificateBlock, isEncryptedBlock, isKeyBlock } from './pem.js';
import type { PemBlock } from './pem.js';

/** What a node shows to its peers. */
export interface Identity {
  /** The certificate that belongs to the key. */
  readonly leaf: CertificateFacts;
  /** The intermediates at hand, the leaf's issuer first. */
  readonly chain: readonly CertificateFacts[];
  readonly keyPem: string;
  readonly certFile: string;
  /** The same as certFile when that holds the key too. */
  readonly keyFile: string;
  /** socat can be given the files as they are; otherwise it needs normalisedPem in a private file. */
  readonly asGiven: boolean;
  /** Leaf, intermediates, then the key: secret, for a file of mode 0600. */
  readonly normalisedPem: string;
  readonly findings: readonly Finding[];
}

/** What a TLS handshake shows of it: the certificate and those above it that are at hand. */
export function chainOf({ leaf, chain }: Pick<Identity, 'leaf' | 'chain'>): string {
  return [leaf, ...chain].map(({ pem }) => pem).join('');
}

/** The files that make up an identity; without `key` the key stands in the certificate's file. */
export interface IdentitySettings {
  readonly cert: Sourced<string>;
  readonly key?: Sourced<string> | undefined;
}

/** Reads certificate and key and fits them together. Throws a TransferError that names option and place. */
export function loadIdentity({ cert, key }: IdentitySettings): Identity {
  const certFile = readCertificateFile(cert);
  const certificates = readCertificates(certFile, cert.source);
  const keySetting = key ?? cert;
  const keyFile = key === undefined ? certFile : readCertificateFile(key);
  const keys = readKeys(keyFile, keySetting.source, key === undefined ? cert.source.name : undefined);
  const { leaf, keyBlock } = fit(certificates, keys, certFile, keyFile, keySetting.source);
  const chain = orderChain(leaf, certificates);
  return {
    leaf,
    chain,
    keyPem: keyBlock.text,
    certFile: certFile.path,
    keyFile: keyFile.path,
    asGiven: isFirst(certFile, leaf, certificates) && startsWithKey(keyFile, keyBlock),
    normalisedPem: chainOf({ leaf, chain }) + keyBlock.text,
    findings: checkExposure(keyFile, keySetting.source),
  };
}

function readCertificates(file: CertificateFile, source: Source): readonly CertificateFacts[] {
  const certificates = certificatesOf(file, source);
  if (certificates.length > 0) return certificates;
  const found = [...new Set(file.blocks.map((block) => block.label))].join(', ');
  throw new TransferError('CERTIFICATE_MISSING', `${file.path} holds no certificate, only ${found}`, {
    ...blame(source),
    hint: 'name the file that holds the certificate (-----BEGIN CERTIFICATE-----); galera-sst-tunnel certs show FILE shows what one holds',
  });
}

interface ReadKey {
  readonly block: PemBlock;
  readonly key: KeyObject;
}

/** @param certName the option that names the certificate, where no other names the key */
function readKeys(file: CertificateFile, source: Source, certName: string | undefined): readonly ReadKey[] {
  const blocks = file.blocks.filter(isKeyBlock);
  if (blocks.length === 0) {
    const holds = file.blocks.some(isCertificateBlock) ? 'only certificates' : 'something else';
    const hint =
      certName === undefined
        ? 'name the file that holds the private key (-----BEGIN PRIVATE KEY-----); openssl pkey -in FILE -noout says nothing of one that does'
        : `set ${certName.replace(/cert$/, 'key')}, or put the private key into the file that ${certName} names (galera-sst-tunnel certs bundle)`;
    const message = `${file.path} holds no private key, ${holds}`;
    throw new TransferError('KEY_MISSING', message, { ...blame(source), hint });
  }
  return blocks.map((block) => {
    if (isEncryptedBlock(block)) {
      const message = `the private key at line ${block.line} of ${file.path} is encrypted`;
      throw new TransferError('KEY_ENCRYPTED', message, blame(source));
    }
    try {
      return { block, key: createPrivateKey(block.text) };
    } catch (cause) {
      const message = `the private key at line ${block.line} of ${file.path} cannot be decoded`;
      const hint =
        'the block is damaged: copy the file again from where the key was made (openssl pkey -in FILE -noout, over there, says whether it is whole)';
      throw new TransferError('CERTIFICATE_NOT_PEM', message, { ...blame(source), hint, cause });
    }
  });
}

function fit(
  certificates: readonly CertificateFacts[],
  keys: readonly ReadKey[],
  certFile: CertificateFile,
  keyFile: CertificateFile,
  source: Source,
): { leaf: CertificateFacts; keyBlock: PemBlock } {
  for (const { block, key } of keys) {
    const leaf = certificates.find((facts) => facts.x509.checkPrivateKey(key));
    if (leaf !== undefined) return { leaf, keyBlock: block };
  }
  const message =
    certFile === keyFile
      ? `the private key in ${keyFile.path} belongs to none of the certificates in it`
      : `the private key in ${keyFile.path} does not belong to the certificate in ${certFile.path}`;
  const subjects = certificates.map((facts) => JSON.stringify(facts.subject)).join(', ');
  throw new TransferError('KEY_MISMATCH', `${message} (${subjects})`, blame(source));
}

/** The leaf's issuers among the others, in order; a root at the top stays out, as peers must know it themselves. */
function orderChain(
  leaf: CertificateFacts,
  certificates: readonly CertificateFacts[],
): readonly CertificateFacts[] {
  const chain: CertificateFacts[] = [];
  for (let end = leaf; !end.selfIssued;) {
    const below = [leaf, ...chain];
    const issuer = certificates.find(
      (facts) => !below.some((one) => isSame(one, facts)) && hasSigned(facts, end),
    );
    if (issuer === undefined || issuer.selfIssued) break;
    chain.push(issuer);
    end = issuer;
  }
  return chain;
}

/** OpenSSL takes the first certificate of the file for the leaf; it does not see a block behind a byte order mark. */
function isFirst(
  file: CertificateFile,
  leaf: CertificateFacts,
  certificates: readonly CertificateFacts[],
): boolean {
  return certificates[0] === leaf && !file.text.startsWith('\uFEFF');
}

function startsWithKey(file: CertificateFile, keyBlock: PemBlock): boolean {
  return file.blocks.find(isKeyBlock) === keyBlock && !file.text.startsWith('\uFEFF');
}

/** Only a warning: an upgrade must not stop a cluster that works. */
function checkExposure(file: CertificateFile, source: Source): readonly Finding[] {
  const can = [...(file.mode & 0o004 ? ['read'] : []), ...(file.mode & 0o002 ? ['change'] : [])];
  if (can.length === 0) return [];
  const mode = file.mode.toString(8).padStart(4, '0');
  return [
    {
      severity: 'warning',
      code: 'KEY_EXPOSED',
      message: `every user of this host can ${can.join(' and ')} the private key in ${file.path} (mode ${mode})`,
      hint: `chmod 0600 ${shellQuote(file.path)}`,
      ...blame(source),
    },
  ];
}
