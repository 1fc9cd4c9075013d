import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { currentCrl, nextCrl, openAuthority, requireSigned } from '../certificates/authority.js';
import { decodeBlock, readGivenFile } from '../certificates/certificate-file.js';
import { readFacts } from '../certificates/facts.js';
import { crlLines, pathOnNode } from '../certificates/option-lines.js';
import { isCertificateBlock } from '../certificates/pem.js';
import { writeFiles, type Writing } from '../certificates/write-files.js';
import { TransferError } from '../errors.js';
import { currentTime } from '../surroundings.js';

export interface RevokeOptions extends Pick<Writing, 'owner'> {
  readonly dir: string;
  /** Where the nodes will have the list; default: `dir`. */
  readonly nodeDir?: string | undefined;
  /** How long the list counts. */
  readonly days: number;
}

/** `certs revoke FILE|NAME|SERIAL…` and, with none to revoke, `certs crl`: writes the CA's next list. */
export async function writeCrl(
  revoke: readonly string[],
  { dir, nodeDir, days, owner }: RevokeOptions,
  print: (line: string) => void,
): Promise<void> {
  const authority = openAuthority(resolve(dir));
  const serials = revoke.map((one) => {
    const file = [one, join(dir, `${one}.crt`)].find(isFile);
    if (file === undefined) return serialOf(one);
    const block = readGivenFile(file).blocks.find(isCertificateBlock);
    if (block === undefined) throw new TransferError('CERTIFICATE_NOT_PEM', `${file} holds no certificate`);
    const facts = decodeBlock(file, block, ({ text }) => readFacts(text));
    requireSigned(authority, facts, file);
    print(`revoked ${facts.subject}, serial ${facts.x509.serialNumber}`);
    return facts.x509.serialNumber;
  });
  const isFirst = currentCrl(authority) === undefined;
  const text = await nextCrl(authority, { revoke: serials, now: currentTime(), days });
  writeFiles([{ path: authority.crlFile, text, mode: 0o644 }], { isForced: true, owner });
  const crl = currentCrl(authority);
  print(
    `wrote ${authority.crlFile}: number ${String(crl?.number)}, ${crl?.revoked.size ?? 0} revoked, to be renewed before ${crl?.nextUpdate?.toISOString().slice(0, 10) ?? ''}`,
  );
  print('give it to every node: transfers use it from then on, a running server does after FLUSH SSL');
  if (!isFirst) return;
  print('');
  for (const line of crlLines(pathOnNode(authority.crlFile, nodeDir))) print(line);
}

/** A node's name is often that of a directory with its files, too. */
function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function serialOf(text: string): string {
  const digits = text.replaceAll(':', '');
  if (/^[0-9a-f]{1,40}$/i.test(digits)) return digits;
  throw new TransferError('CERTIFICATE_MISSING', `${text} is neither a file nor a serial number`, {
    hint: 'name the certificate’s file, its NODE, or its serial number as certs show prints it',
  });
}
