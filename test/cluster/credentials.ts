import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  issueCa,
  issueCertificate,
  selfSigned,
  type CaRequest,
  type CertificateRequest,
  type IssuedCertificate,
} from '../../src/certificates/issue.js';
import { giveToServer } from '../lab/template.js';
import type { CertificatePaths, LabNode } from '../lab/index.js';

/** Keys of this kind take no time to make. */
const quick = { keyType: 'ec' } as const;

/** A CA in a directory, whose certificates the servers' user can read. */
export class Authority {
  private constructor(
    readonly folder: string,
    readonly ca: IssuedCertificate,
    readonly caFile: string,
  ) {}

  static async create(folder: string, request: Partial<CaRequest> = {}): Promise<Authority> {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    const ca = await issueCa({ ...quick, name: 'test CA', ...request });
    return new Authority(folder, ca, store(folder, 'ca.crt', ca.certPem));
  }

  /** A CA that this one has signed; its certificates need its own one beside them. */
  async intermediate(name: string): Promise<Authority> {
    const ca = await issueCertificate({
      ...quick,
      commonName: name,
      isCa: true,
      extendedKeyUsages: [],
      ca: this.ca,
    });
    return new Authority(this.folder, ca, store(this.folder, `${name}.crt`, ca.certPem));
  }

  issue(request: CertificateRequest): Promise<IssuedCertificate> {
    return issueCertificate({ ...quick, ...request, ca: this.ca });
  }

  /** Issues a certificate and stores it with its key as `<name>.crt` and `<name>.key`. */
  async certify(name: string, request: CertificateRequest): Promise<Required<CertificatePaths>> {
    return { ca: this.caFile, ...storePair(this.folder, name, await this.issue(request)) };
  }

  /** A certificate for the name that the lab gives a node. */
  certifyNode(node: LabNode): Promise<Required<CertificatePaths>> {
    return this.certify(node.name, { commonName: node.host });
  }
}

/** Self-signed certificates and one file that holds all of them as CAs. */
export async function selfSignedPairs(
  folder: string,
  names: readonly string[],
): Promise<Required<CertificatePaths>[]> {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const issued = await Promise.all(names.map((commonName) => selfSigned({ ...quick, commonName })));
  const ca = store(folder, 'all.crt', issued.map(({ certPem }) => certPem).join(''));
  return issued.map((pair, index) => ({ ca, ...storePair(folder, `self-${index + 1}`, pair) }));
}

/** Writes a file that the servers' user alone can read. */
export function store(folder: string, name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  chmodSync(file, 0o600);
  giveToServer(file);
  return file;
}

function storePair(folder: string, name: string, pair: IssuedCertificate): { cert: string; key: string } {
  return {
    cert: store(folder, `${name}.crt`, pair.certPem),
    key: store(folder, `${name}.key`, pair.keyPem),
  };
}
