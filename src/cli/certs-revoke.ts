import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  currentCrl,
  nextCrl,
  openAuthority,
  requireSigned,
  type Authority,
} from '../certificates/authority.js';
import { decodeBlock, readGivenFile } from '../certificates/certificate-file.js';
import { hasSigned } from '../certificates/chain.js';
import { serialKey } from '../certificates/crl.js';
import { readFacts, type CertificateFacts } from '../certificates/facts.js';
import { canonicalIp } from '../certificates/ip-address.js';
import { crlLines, pathOnNode } from '../certificates/option-lines.js';
import { isCertificateBlock } from '../certificates/pem.js';
import { writeFiles, type Writing } from '../certificates/write-files.js';
import { TransferError } from '../errors.js';
import { currentTime } from '../surroundings.js';
import { filesOf, keptFiles } from './certs-names.js';

export interface RevokeOptions extends Pick<Writing, 'owner'> {
  /** Where the nodes' certificates are. */
  readonly dir: string;
  /** The CA's directory; default: `dir`. */
  readonly caDir?: string | undefined;
  /** Where the nodes will have the list; default: the CA's directory. */
  readonly nodeDir?: string | undefined;
  /** How long the list counts. */
  readonly days: number;
}

/** `certs revoke FILE|NAME|SERIAL…` and, with none to revoke, `certs crl`: writes the CA's next list. */
export async function writeCrl(
  revoke: readonly string[],
  { dir, caDir = dir, nodeDir, days, owner }: RevokeOptions,
  print: (line: string) => void,
): Promise<void> {
  const authority = openAuthority(resolve(caDir));
  const chosen = revoke.map((one) => choose(one, dir, caDir, authority));
  const isFirst = currentCrl(authority) === undefined;
  const serials = chosen.map(({ serial }) => serial);
  const text = await nextCrl(authority, { revoke: serials, now: currentTime(), days });
  writeFiles([{ path: authority.crlFile, text, mode: 0o644 }], { isForced: true, owner });
  const crl = currentCrl(authority);
  for (const one of chosen) print(describe(one, [...new Set([dir, caDir])]));
  for (const line of new Set(chosen.flatMap((one) => stillValid(one, authority, crl?.revoked)))) print(line);
  print(
    `wrote ${authority.crlFile}: number ${String(crl?.number)}, ${crl?.revoked.size ?? 0} revoked, to be renewed before ${crl?.nextUpdate?.toISOString().slice(0, 10) ?? ''}`,
  );
  print('give it to every node: transfers use it from then on, a running server does after FLUSH SSL');
  if (!isFirst) return;
  print('');
  for (const line of crlLines(pathOnNode(authority.crlFile, nodeDir))) print(line);
}

/** What is to be revoked; without a certificate it is known by its serial number alone. */
interface Chosen {
  readonly serial: string;
  readonly found?: { readonly facts: CertificateFacts; readonly file: string } | undefined;
}

/** A file, here or in `dir`, or the name of a node first: names like `db1` or `fd00::1` consist of hexadecimal digits, too. */
function choose(one: string, dir: string, caDir: string, authority: Authority): Chosen {
  const file = [one, filesOf(one, dir).cert, resolve(dir, one)].find(isFile);
  if (file !== undefined) {
    const facts = firstIn(file);
    if (facts === undefined) throw new TransferError('CERTIFICATE_NOT_PEM', `${file} holds no certificate`);
    requireSigned(authority, facts, file);
    return { serial: facts.x509.serialNumber, found: { facts, file } };
  }
  const serial = serialOf(one, filesOf(one, dir).cert);
  const at = [dir, caDir].flatMap(certificateFiles).flatMap((path) => {
    const facts = attempt(() => firstIn(path));
    return facts === undefined ? [] : [{ facts, file: path }];
  });
  const found = at.find(
    ({ facts }) =>
      serialKey(facts.x509.serialNumber) === serialKey(serial) && hasSigned(authority.facts, facts),
  );
  return { serial: found?.facts.x509.serialNumber ?? serial.toUpperCase(), found };
}

/** Shorter numbers could be names. Those of this CA have 32 digits; zeros before a shorter one do no harm. */
const leastDigits = 16;

function serialOf(text: string, file: string): string {
  const digits = text.replaceAll(':', '');
  const isNumber = /^[0-9a-f]{1,40}$/i.test(digits) && digits.length >= leastDigits;
  if (isNumber && canonicalIp(text) === undefined) return digits;
  throw new TransferError(
    'CERTIFICATE_MISSING',
    `${text} is neither a certificate's file nor a serial number, and there is no ${file}`,
    {
      hint: `name the node's directory with --dir, the certificate's file, or its serial number as galera-sst-tunnel certs show prints it (${leastDigits} digits at least, with zeros before a shorter one)`,
    },
  );
}

function describe({ serial, found }: Chosen, dirs: readonly string[]): string {
  return found === undefined
    ? `revoked serial ${serial}: no certificate with this number is at hand in ${dirs.join(' or ')}, compare it with the one that is meant`
    : `revoked ${found.facts.subject}, serial ${serial}`;
}

/** The certificates before renewals have the same key, as a rule: who has that key can go on with them. */
function stillValid(
  { found }: Chosen,
  authority: Authority,
  revoked: ReadonlyMap<string, Date> | undefined,
): readonly string[] {
  if (found === undefined) return [];
  return keptFiles(found.file.replace(/\.old(\.\d+)?$/, '')).flatMap((file) => {
    const facts = isFile(file) ? attempt(() => firstIn(file)) : undefined;
    if (facts === undefined || facts.notAfter < currentTime() || !hasSigned(authority.facts, facts))
      return [];
    if (revoked?.has(serialKey(facts.x509.serialNumber)) === true) return [];
    return [`${file}, serial ${facts.x509.serialNumber}, is not revoked and valid: revoke it, too`];
  });
}

function firstIn(file: string): CertificateFacts | undefined {
  const block = readGivenFile(file).blocks.find(isCertificateBlock);
  return block === undefined ? undefined : decodeBlock(file, block, ({ text }) => readFacts(text));
}

function certificateFiles(dir: string): readonly string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .filter((name) => /\.(crt|pem|cer)(\.old(\.\d+)?)?$/.test(name))
    .map((name) => join(dir, name))
    .filter(isFile);
}

/** A node's name is often that of a directory with its files, too. */
function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
