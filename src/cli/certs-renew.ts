import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { isThere, openAuthority, readPair, requireSigned } from '../certificates/authority.js';
import { readGivenFile, type CertificateFile } from '../certificates/certificate-file.js';
import { hasSigned, isSame } from '../certificates/chain.js';
import { readFacts, type CertificateFacts } from '../certificates/facts.js';
import {
  issueCa,
  issueCertificate,
  selfSigned,
  type CertificateRequest,
  type IssuedCertificate,
} from '../certificates/issue.js';
import { isCertificateBlock, isKeyBlock } from '../certificates/pem.js';
import { writeFiles, type NewFile } from '../certificates/write-files.js';
import { TransferError } from '../errors.js';
import { currentTime } from '../surroundings.js';
import { refuseOutliving, sayWritten, type IssueOptions, type Print } from './certs-issue.js';
import { filesOf } from './certs-names.js';

/**
 * `certs renew NAME`: the same names, usages and limits for another while, under the same key unless a new one is wanted. Whatever else
 * is in its file stays there.
 */
export async function renew(
  name: string,
  options: IssueOptions & { readonly wantsNewKey: boolean },
  print: Print,
): Promise<void> {
  const { cert, key } = filesOf(name, options.dir);
  for (const one of [cert, key]) {
    if (isThere(one)) continue;
    throw new TransferError('CERTIFICATE_MISSING', `${one} does not exist`, {
      hint: "name its directory with --dir, the CA's with --ca-dir",
    });
  }
  const { leaf, keyPem } = readPair(cert, key);
  const file = readGivenFile(cert);
  const kept = options.wantsNewKey ? {} : { keyPem };
  const issued = await renewed(leaf, { ...requestAgain(leaf, options), ...kept }, options, cert);
  const mode = file.blocks.some(isKeyBlock) ? 0o600 : 0o644;
  const ending = endingOfKept(cert, options.wantsNewKey ? key : undefined);
  const old: NewFile[] = [
    { path: `${cert}${ending}`, text: file.text, mode },
    ...(options.wantsNewKey ? [{ path: `${key}${ending}`, text: keyPem, mode: 0o600 }] : []),
  ];
  const fresh: NewFile[] = [
    ...(options.wantsNewKey ? [{ path: key, text: issued.keyPem, mode: 0o600 }] : []),
    { path: cert, text: inPlaceOf(leaf, keyPem, file, issued), mode },
  ];
  const { owner } = options;
  writeFiles([...old, ...fresh], { isForced: true, owner: leaf.isCa ? undefined : owner });
  sayWritten(
    issued,
    fresh.map(({ path }) => path),
    print,
  );
  print(`the one before is kept as ${old.map(({ path }) => path).join(' and ')}`);
  print('transfers use it once the node has it, a running server after FLUSH SSL');
}

/** Where the files before go: a certificate that is valid still has to be at hand to be revoked, and no key is lost. */
function endingOfKept(cert: string, key: string | undefined): string {
  const isFree = (ending: string): boolean =>
    !mayBeValid(`${cert}${ending}`) && (key === undefined || !existsSync(`${key}${ending}`));
  for (let ending = '.old', count = 1; ; ending = `.old.${count++}`) if (isFree(ending)) return ending;
}

/** What cannot be read may be. */
function mayBeValid(file: string): boolean {
  if (!existsSync(file)) return false;
  try {
    return readGivenFile(file)
      .blocks.filter(isCertificateBlock)
      .some(({ text }) => readFacts(text).notAfter > currentTime());
  } catch {
    return true;
  }
}

/** The file with the new certificate, and the new key where it has the old one, too: intermediates and other CAs stay. */
function inPlaceOf(
  leaf: CertificateFacts,
  oldKey: string,
  file: CertificateFile,
  issued: IssuedCertificate,
): string {
  return file.blocks
    .map((block) => {
      if (isCertificateBlock(block) && isSame(readFacts(block.text), leaf)) return issued.certPem;
      return block.text === oldKey ? issued.keyPem : block.text;
    })
    .join('');
}

async function renewed(
  leaf: CertificateFacts,
  request: CertificateRequest,
  options: IssueOptions,
  file: string,
): Promise<IssuedCertificate> {
  if (leaf.isCa && request.keyPem === undefined) {
    throw new TransferError(
      'ARGUMENT_INVALID',
      'a CA with a new key is another CA: nothing it signed before chains to it',
      {
        hint: 'create it with galera-sst-tunnel certs init-ca in another directory, and let tca hold both until all nodes have new certificates',
      },
    );
  }
  if (leaf.isCa && leaf.selfIssued) return issueCa({ ...request, name: leaf.commonName ?? '' });
  if (leaf.selfIssued && hasSigned(leaf, leaf)) return selfSigned(request);
  const authority = openAuthority(resolve(options.caDir ?? options.dir));
  requireSigned(authority, leaf, file);
  const days = options.days ?? (leaf.isCa ? daysBelow(authority.facts) : 365);
  refuseOutliving(authority, days);
  return issueCertificate({ ...request, days, ca: authority.pair });
}

/** An intermediate CA lives as long as its issuer lets it, which has been there for a while. */
function daysBelow({ notAfter }: CertificateFacts): number {
  const left = Math.floor((notAfter.getTime() - currentTime().getTime()) / 86_400_000);
  return Math.max(1, Math.min(usualCaDays, left));
}

const usualCaDays = 3650;

function requestAgain(leaf: CertificateFacts, { days }: IssueOptions): CertificateRequest {
  const kind = leaf.x509.publicKey.asymmetricKeyType;
  return {
    commonName: leaf.commonName,
    dnsNames: leaf.dnsNames,
    ipAddresses: leaf.ipAddresses,
    isCa: leaf.isCa,
    like: leaf.pem,
    keyType: kind === 'ec' || kind === 'ed25519' ? kind : 'rsa',
    days: days ?? (leaf.isCa ? usualCaDays : 365),
  };
}
