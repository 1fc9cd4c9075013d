import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sourced } from '../config/source.js';
import { TransferError } from '../errors.js';
import type { Finding } from '../errors.js';
import { shellQuote } from '../shell-quote.js';
import {
  blame,
  certificatesOf,
  readCertificateFile,
  safePath,
  statPath,
  unreadable,
} from './certificate-file.js';
import { readFacts } from './facts.js';
import type { CertificateFacts } from './facts.js';

/** Whom a node trusts. */
export interface Trust {
  readonly certificates: readonly CertificateFacts[];
  /** The option that named them, and its place. */
  readonly by?: { readonly option: string; readonly where: string } | undefined;
  readonly caFile?: string | undefined;
  readonly caPath?: string | undefined;
  readonly findings: readonly Finding[];
}

/** Where the trusted certificates are: a file of PEM blocks, a directory in OpenSSL's hashed form, or both. */
export interface TrustSettings {
  readonly caFile?: Sourced<string> | undefined;
  readonly caPath?: Sourced<string> | undefined;
}

/** Reads the trusted certificates. Throws a TransferError that names option and place. */
export function loadTrust({ caFile, caPath }: TrustSettings): Trust {
  const fromFile = caFile === undefined ? [] : readCaFile(caFile);
  const fromPath = caPath === undefined ? { certificates: [], findings: [] } : readCaPath(caPath);
  const source = (caFile ?? caPath)?.source;
  return {
    certificates: [...fromFile, ...fromPath.certificates],
    by: source === undefined ? undefined : blame(source),
    caFile: caFile?.value,
    caPath: caPath?.value,
    findings: fromPath.findings,
  };
}

function readCaFile(setting: Sourced<string>): readonly CertificateFacts[] {
  const certificates = certificatesOf(readCertificateFile(setting), setting.source);
  if (certificates.length > 0) return certificates;
  throw new TransferError('CERTIFICATE_MISSING', `${setting.value} holds no certificate`, {
    ...blame(setting.source),
    hint: 'name the file that holds the certificates of the CAs; galera-sst-tunnel certs show FILE shows what one holds',
  });
}

/** OpenSSL looks a CA up by the hash of its name: files with other names do not exist for it. */
const hashedName = /^[0-9a-f]{8}\.\d+$/;
const pemName = /\.(pem|crt|cer|cert)$/i;

function readCaPath(setting: Sourced<string>): Pick<Trust, 'certificates' | 'findings'> {
  const path = safePath(setting);
  const detail = blame(setting.source);
  if (!statPath(setting).isDirectory()) {
    const hint =
      'name a directory; a file of CA certificates (galera-sst-tunnel certs show FILE) belongs into tca or ssl-ca';
    throw new TransferError('CERTIFICATE_UNREADABLE', `${path} is a file, expected a directory`, {
      ...detail,
      hint,
    });
  }
  const names = listDirectory(setting);
  const hashed = names.filter((name) => hashedName.test(name)).sort();
  const others = names.filter((name) => pemName.test(name));
  const hint = `run: openssl rehash ${shellQuote(path)}`;
  if (hashed.length === 0) {
    const what = others.length === 0 ? 'no file' : `${others.length} certificate files, but none`;
    const message = `${path} holds ${what} whose name is the hash of a CA's name (like 1a2b3c4d.0), and OpenSSL sees only those`;
    throw new TransferError('CERTIFICATE_MISSING', message, { ...detail, hint });
  }
  const read = (name: string) => readCaFile({ value: join(path, name), source: setting.source });
  const certificates = hashed.flatMap(read);
  return { certificates, findings: checkUnhashed(path, others, certificates, detail) };
}

/** A CA's file that was added without `openssl rehash` looks as if it counted. */
function checkUnhashed(
  path: string,
  names: readonly string[],
  certificates: readonly CertificateFacts[],
  detail: { readonly option: string; readonly where: string },
): readonly Finding[] {
  const unseen = names.filter((name) => {
    const fingerprint = fingerprintOf(join(path, name));
    return fingerprint !== undefined && !certificates.some((facts) => facts.fingerprint256 === fingerprint);
  });
  if (unseen.length === 0) return [];
  const message = `OpenSSL does not see ${unseen.join(', ')} in ${path}: no file with a hash for a name (like 1a2b3c4d.0) has the same content`;
  const hint = `run: openssl rehash ${shellQuote(path)}`;
  return [{ severity: 'warning', code: 'CERTIFICATE_MISSING', message, hint, ...detail }];
}

/** Undefined for what is not a certificate: such a file is nobody's loss. */
function fingerprintOf(path: string): string | undefined {
  try {
    return readFacts(readFileSync(path)).fingerprint256;
  } catch {
    return undefined;
  }
}

function listDirectory({ value, source }: Sourced<string>): readonly string[] {
  try {
    return readdirSync(value);
  } catch (cause) {
    throw unreadable(value, source, cause, undefined);
  }
}
