import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  issueCa,
  issueCertificate,
  type CertificateRequest,
  type IssuedCertificate,
} from '../../src/certificates/issue.js';
import { serverUser, type Groups } from './bare-node.js';

/** Where a certificate and its key lie. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** A CA and what it has signed, in files of the server's user. */
export class Material {
  readonly dir = mkdtempSync(join(tmpdir(), 'bare-node-certificates-'));
  /** The file of the CA's certificate. */
  readonly ca: string;
  /** A good certificate for 127.0.0.1. */
  good!: CertificateFiles;

  private constructor(readonly authority: IssuedCertificate) {
    chmodSync(this.dir, 0o755);
    this.ca = this.write('ca.crt', authority.certPem);
  }

  static async create(): Promise<Material> {
    const material = new Material(await issueCa({ name: 'test CA', keyType: 'ec' }));
    material.good = await material.issue('good', {});
    return material;
  }

  /** Issues a certificate for 127.0.0.1, with what the request says differently. */
  async issue(
    name: string,
    request: CertificateRequest,
    ca: IssuedCertificate = this.authority,
  ): Promise<CertificateFiles> {
    const usual = { commonName: 'node1.my.cluster', ipAddresses: ['127.0.0.1'], keyType: 'ec' as const };
    const { certPem, keyPem } = await issueCertificate({ ...usual, ...request, ca });
    return { cert: this.write(`${name}.crt`, certPem), key: this.write(`${name}.key`, keyPem) };
  }

  /** Writes a file of the server's user that only it can read. */
  write(name: string, content: string | Uint8Array, mode = 0o600): string {
    const path = join(this.dir, name);
    writeFileSync(path, content);
    chmodSync(path, mode);
    chownSync(path, serverUser.uid, serverUser.gid);
    return path;
  }

  /** `[sst]` with these files, and more options. */
  groups(
    files: Partial<CertificateFiles> = {},
    more: Readonly<Record<string, string | null>> = {},
    mysqld: Readonly<Record<string, string | null>> = {},
  ): Groups {
    const { cert, key } = { ...this.good, ...files };
    return { mysqld, sst: { tca: this.ca, tcert: cert, tkey: key, ...more } };
  }

  destroy(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
