import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './commands.js';
import type { CertificatePaths } from './node.js';
import { giveToServer } from './template.js';

/** Whom a certificate is for. */
export interface CertificateSubject {
  /** Also the files' name. */
  name: string;
  /** Default: the name. */
  commonName?: string;
  /** DNS names and IP addresses of subjectAltName. */
  names?: readonly string[];
}

/**
 * Makes a small CA (`ca.crt`, `ca.key`) in a directory and a key and certificate signed by it for each subject,
 * readable by the server's user alone.
 */
export async function labCertificates(
  folder: string,
  subjects: readonly CertificateSubject[],
): Promise<Record<string, Required<CertificatePaths>>> {
  mkdirSync(folder, { recursive: true });
  const ca = join(folder, 'ca.crt');
  const caKey = join(folder, 'ca.key');
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const ending = ['-x509', '-sha256', '-days', '30'];
  await run(['openssl', 'req', ...ending, ...newKey, '-subj', '/CN=lab CA', '-keyout', caKey, '-out', ca]);
  const made: Record<string, Required<CertificatePaths>> = {};
  for (const { name, commonName, names } of subjects) {
    const [key, request, cert] = ['key', 'csr', 'crt'].map((type) => join(folder, `${name}.${type}`)) as [
      string,
      string,
      string,
    ];
    const subject = `/CN=${commonName ?? name}`;
    await run(['openssl', 'req', '-new', ...newKey, '-subj', subject, '-keyout', key, '-out', request]);
    const extensions = join(folder, `${name}.ext`);
    writeFileSync(extensions, `extendedKeyUsage=serverAuth,clientAuth\n${alternativeNames(names ?? [])}`);
    const sign = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-days', '30', '-extfile', extensions];
    await run(['openssl', 'x509', '-req', '-in', request, ...sign, '-out', cert]);
    chmodSync(key, 0o600);
    made[name] = { ca, cert, key };
  }
  giveToServer(folder);
  return made;
}

function alternativeNames(names: readonly string[]): string {
  if (names.length === 0) return '';
  const kinds = [...new Set(names)].map((name) => (/^[\d.]+$|:/.test(name) ? `IP:${name}` : `DNS:${name}`));
  return `subjectAltName=${kinds.join(',')}\n`;
}
