import { readFileSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { dirname } from 'node:path';
import { placeOf } from '../config/source.js';
import type { Source, Sourced } from '../config/source.js';
import { TransferError } from '../errors.js';
import type { ErrorDetail } from '../errors.js';
import { shellQuote } from '../shell-quote.js';
import { ownUser } from '../surroundings.js';
import { readFacts } from './facts.js';
import type { CertificateFacts } from './facts.js';
import { isCertificateBlock, looksLikeDer, splitPem } from './pem.js';
import type { PemBlock } from './pem.js';

/** A file of PEM blocks that an option names. */
export interface CertificateFile {
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly PemBlock[];
  /** Permission bits. */
  readonly mode: number;
}

/** Far above any CA bundle; more means that the option names something else altogether. */
const maxBytes = 16 * 1024 * 1024;

/** Reads a file that must hold PEM blocks; every failure names the option and its place. */
export function readCertificateFile(setting: Sourced<string>): CertificateFile {
  const path = safePath(setting);
  const stats = statPath(setting);
  const detail = blame(setting.source);
  if (stats.isDirectory()) {
    const hint = `name a file of PEM blocks (ls -l ${shellQuote(path)} lists those there); a directory of CA certificates belongs into tcap or ssl-capath`;
    throw new TransferError('CERTIFICATE_UNREADABLE', `${path} is a directory, expected a file`, {
      ...detail,
      hint,
    });
  }
  if (!stats.isFile()) {
    const hint = `name a regular file: ls -lL ${shellQuote(path)} shows what this is`;
    throw new TransferError('CERTIFICATE_UNREADABLE', `${path} is not a regular file`, { ...detail, hint });
  }
  if (stats.size === 0) throw new TransferError('CERTIFICATE_NOT_PEM', `${path} is empty`, detail);
  if (stats.size > maxBytes) {
    const message = `${path} has ${stats.size} bytes, too many for a file of certificates`;
    throw new TransferError('CERTIFICATE_NOT_PEM', message, detail);
  }
  const bytes = readBytes(setting, stats);
  const text = bytes.toString('utf8');
  refuseJoinedBlocks(path, text, detail);
  const blocks = splitPem(text);
  if (blocks.length === 0) throw notPem(path, bytes, detail);
  return { path, text, blocks, mode: stats.mode & 0o7777 };
}

/** Reads a file that a command was given by name. */
export function readGivenFile(path: string): CertificateFile {
  return readCertificateFile(givenFile(path));
}

/** A file that a command was given by name. */
export function givenFile(path: string): Sourced<string> {
  return { value: path, source: { kind: 'command line', name: path } };
}

/** The certificates of a file, in its order. */
export function certificatesOf(file: CertificateFile, source: Source): readonly CertificateFacts[] {
  return file.blocks
    .filter(isCertificateBlock)
    .map((block) => decodeBlock(file.path, block, ({ text }) => readFacts(text), blame(source)));
}

/** What `decode` makes of a block of a file; CERTIFICATE_NOT_PEM when it throws. */
export function decodeBlock<T>(
  path: string,
  block: PemBlock,
  decode: (block: PemBlock) => T,
  detail: ErrorDetail = {},
): T {
  try {
    return decode(block);
  } catch (cause) {
    const what = isCertificateBlock(block) ? 'certificate' : block.label;
    const message = `the ${what} at line ${block.line} of ${path} cannot be decoded`;
    const hint =
      'the block is damaged: copy the file again from where it was issued (galera-sst-tunnel certs show FILE, over there, says whether it is whole)';
    throw new TransferError('CERTIFICATE_NOT_PEM', message, { ...detail, hint, cause });
  }
}

/** The option and its place, for errors and findings. */
export function blame(source: Source): { readonly option: string; readonly where: string } {
  return { option: source.name, where: placeOf(source) };
}

/** socat takes a newline or NUL in no spelling. */
export function safePath({ value, source }: Sourced<string>): string {
  if (!/[\0\n\r]/.test(value)) return value;
  throw new TransferError(
    'PATH_UNSAFE',
    `line end or NUL in the path ${JSON.stringify(value)}`,
    blame(source),
  );
}

export function statPath({ value, source }: Sourced<string>): Stats {
  try {
    return statSync(value);
  } catch (cause) {
    throw unreadable(value, source, cause, undefined);
  }
}

function readBytes({ value, source }: Sourced<string>, stats: Stats): Buffer {
  try {
    return readFileSync(value);
  } catch (cause) {
    throw unreadable(value, source, cause, stats);
  }
}

/** What the system's error means: absent, or there but not for this user. */
export function unreadable(
  path: string,
  source: Source,
  cause: unknown,
  stats: Stats | undefined,
): TransferError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  const isGiven = source.kind === 'command line' && source.name === path;
  const detail = { ...blame(source), cause };
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new TransferError('CERTIFICATE_MISSING', `${path} does not exist`, {
      ...detail,
      hint: isGiven ? `correct the path: ls -l ${shellQuote(dirname(path))}` : undefined,
    });
  }
  if (code !== 'EACCES' && code !== 'EPERM') {
    return new TransferError('CERTIFICATE_UNREADABLE', `${path} cannot be read: ${code}`, detail);
  }
  const uid = ownUser().uid;
  const owner =
    stats === undefined
      ? 'a directory above it is closed'
      : `its owner is uid ${stats.uid}, its mode ${(stats.mode & 0o777).toString(8).padStart(4, '0')}`;
  const message = `${path} cannot be read by uid ${uid}: ${owner}`;
  return new TransferError('CERTIFICATE_UNREADABLE', message, {
    ...detail,
    hint: isGiven ? givenHint(path) : undefined,
  });
}

/** A command runs as whoever calls it: no reason to open a file, least of all a CA's key, to the server. */
function givenHint(path: string): string {
  return `run this command as root or as the owner of the file (ls -l ${shellQuote(path)}), and leave owner and mode as they are`;
}

/** Files that were put together without a line end between them: OpenSSL sees neither of the two blocks. */
function refuseJoinedBlocks(path: string, text: string, detail: ErrorDetail): void {
  const line = text.split(/\r\n|\n|\r/).findIndex((one) => /-----END [^-]+----------BEGIN /.test(one)) + 1;
  if (line === 0) return;
  throw new TransferError(
    'CERTIFICATE_NOT_PEM',
    `line ${line} of ${path} is the end of one PEM block and the beginning of the next`,
    {
      ...detail,
      hint: `put a line end between -----END …----- and -----BEGIN …----- (grep -n -e ----- ${shellQuote(path)} shows where)`,
    },
  );
}

function notPem(path: string, bytes: Buffer, detail: ErrorDetail): TransferError {
  if (!looksLikeDer(bytes)) {
    const message = `${path} holds no PEM block, it begins with ${JSON.stringify(bytes.toString('latin1', 0, 20))}`;
    return new TransferError('CERTIFICATE_NOT_PEM', message, detail);
  }
  const kind = derKind(bytes);
  const file = shellQuote(path);
  const command = {
    certificate: `openssl x509 -inform DER -in ${file} -out NEW.pem`,
    'private key': `openssl pkey -inform DER -in ${file} -out NEW.pem`,
    'PKCS#12 archive': `openssl pkcs12 -in ${file} -nodes -out NEW.pem`,
  }[kind];
  return new TransferError('CERTIFICATE_NOT_PEM', `${path} is DER (a ${kind}), expected PEM`, {
    ...detail,
    hint: `convert it: ${command}`,
  });
}

/** By the first element: a sequence in certificates, the version 3 in PKCS#12, another integer in keys. */
function derKind(bytes: Buffer): 'certificate' | 'private key' | 'PKCS#12 archive' {
  const lengthByte = bytes[1] ?? 0;
  const at = 2 + (lengthByte > 0x7f ? lengthByte & 0x7f : 0);
  if (bytes[at] === 0x30) return 'certificate';
  return bytes[at + 2] === 3 ? 'PKCS#12 archive' : 'private key';
}
