import { createPrivateKey, type KeyObject } from 'node:crypto';
import { resolve } from 'node:path';
import { decodeBlock, readGivenFile } from '../certificates/certificate-file.js';
import { hasSigned, isSame } from '../certificates/chain.js';
import { readFacts, type CertificateFacts } from '../certificates/facts.js';
import { isCertificateBlock, isEncryptedBlock, isKeyBlock, type PemBlock } from '../certificates/pem.js';
import { writeFiles, type Writing } from '../certificates/write-files.js';
import { TransferError } from '../errors.js';

/**
 * `certs bundle OUT FILE…`: certificates without a key become a file for `tca`, each once; with a key, one for `tcert`:
 * the certificate that the key belongs to, its intermediates, the key.
 */
export function bundle(
  out: string,
  files: readonly string[],
  writing: Writing,
  print: (line: string) => void,
): void {
  const blocks = files.flatMap(read);
  const certificates = withoutCopies(
    blocks
      .filter(isCertificateBlock)
      .map((block) => decodeBlock(block.file, block, ({ text }) => readFacts(text))),
  );
  const keys = withoutDuplicates(blocks.filter(isKeyBlock).map(({ text }) => text));
  if (blocks.some((block) => isKeyBlock(block) && isEncryptedBlock(block)))
    throw new TransferError('KEY_ENCRYPTED', 'the private key is encrypted');
  if (certificates.length === 0)
    throw new TransferError('CERTIFICATE_MISSING', `no certificate in ${files.join(', ')}`, {
      hint: 'name the files that hold one; galera-sst-tunnel certs show FILE tells what a file holds',
    });
  const path = resolve(out);
  const [key, another] = keys;
  if (another !== undefined)
    throw new TransferError(
      'KEY_MISMATCH',
      `${files.join(', ')} hold ${keys.length} private keys, expected one at most`,
    );
  if (key === undefined) {
    writeFiles([{ path, text: certificates.map(({ pem }) => pem).join(''), mode: 0o644 }], writing);
    print(`wrote ${path}: ${certificates.length} certificates`);
    for (const { subject } of certificates) print(`  ${subject}`);
    for (const line of ['', '[sst]', `tca=${path}`]) print(line);
    return;
  }
  const ordered = leafFirst(certificates, key);
  writeFiles([{ path, text: ordered.map(({ pem }) => pem).join('') + key, mode: 0o600 }], writing);
  print(`wrote ${path}: ${ordered.map(({ subject }) => subject).join(', ')}, and the key`);
  for (const one of certificates.filter((facts) => !ordered.includes(facts)))
    print(`left out: ${one.subject} from ${filesWith(one, blocks)}, ${whyLeftOut(one, ordered)}`);
  for (const line of ['', '[sst]', `tcert=${path}`]) print(line);
}

function filesWith(
  facts: CertificateFacts,
  blocks: readonly (PemBlock & { readonly file: string })[],
): string {
  const holding = blocks.filter((block) => isCertificateBlock(block) && isSame(readFacts(block.text), facts));
  return [...new Set(holding.map(({ file }) => file))].join(' and ');
}

function whyLeftOut(facts: CertificateFacts, chain: readonly CertificateFacts[]): string {
  const isRoot = facts.selfIssued && chain.some((one) => hasSigned(facts, one));
  return isRoot
    ? 'the root, which peers have in their tca'
    : `which is not above ${chain[0]?.subject ?? 'the certificate of the key'}`;
}

function read(file: string): readonly (PemBlock & { readonly file: string })[] {
  return readGivenFile(file).blocks.map((block) => ({ ...block, file }));
}

function leafFirst(certificates: readonly CertificateFacts[], key: string): readonly CertificateFacts[] {
  const own = readKey(key);
  const leaf = certificates.find(({ x509 }) => x509.checkPrivateKey(own));
  if (leaf === undefined) {
    const subjects = certificates.map(({ subject }) => JSON.stringify(subject)).join(', ');
    throw new TransferError('KEY_MISMATCH', `the key belongs to none of the certificates ${subjects}`);
  }
  const chain = [leaf];
  for (let end: CertificateFacts | undefined = leaf; end !== undefined;) {
    const below: CertificateFacts = end;
    // peers have to know a root by themselves
    end = certificates.find((one) => !one.selfIssued && !chain.includes(one) && hasSigned(one, below));
    if (end !== undefined) chain.push(end);
  }
  return chain;
}

function readKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new TransferError('CERTIFICATE_NOT_PEM', 'the private key cannot be decoded', { cause });
  }
}

function withoutCopies(certificates: readonly CertificateFacts[]): readonly CertificateFacts[] {
  return [...new Map(certificates.map((facts) => [facts.fingerprint256, facts])).values()];
}

function withoutDuplicates(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
