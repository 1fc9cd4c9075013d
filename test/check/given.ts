import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { GivenServer } from '../../src/agent/servers.js';
import {
  issueCertificate,
  type CertificateRequest,
  type IssuedCertificate,
} from '../../src/certificates/issue.js';
import { ca } from '../certificates/given.js';

/** What a test says differently of a server in order. */
export interface Given {
  readonly certificate?: CertificateRequest;
  /** Instead of a certificate of the test CA. */
  readonly identity?: IssuedCertificate;
  /** Certificates that it trusts besides the test CA. */
  readonly trusts?: string;
  readonly sst?: string;
  readonly mysqld?: string;
  readonly client?: string;
}

/** A server in order on 127.0.0.1, but for what is given; `DIR` is the directory of its files. */
export async function serverIn(
  t: Test,
  { certificate, identity, trusts = '', sst = '', mysqld = '', client = '' }: Given = {},
): Promise<GivenServer> {
  const dir = t.testdir();
  mkdirSync(join(dir, 'data'));
  const issued =
    identity ?? (await issueCertificate({ commonName: '127.0.0.1', keyType: 'ec', ca, ...certificate }));
  const write = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text, { mode: 0o600 });
    return join(dir, name);
  };
  const [crt, key, caFile] = [
    write('crt', issued.certPem),
    write('key', issued.keyPem),
    write('ca', ca.certPem + trusts),
  ];
  const address =
    'wsrep_sst_receive_address=127.0.0.1:14544\nwsrep_sst_method=rsync_tunnel\nwsrep_sst_auth=a:b';
  const text = `[mysqld]\ndatadir=${dir}/data\n${address}\n${mysqld}\n[sst]\ntmpdir=${dir}\ntca=${caFile}\ntcert=${crt}\ntkey=${key}\n${sst}\n[client]\n${client}\n`;
  const file = write('my.cnf', text.replaceAll('DIR', dir));
  return { name: file, argv: ['--defaults-file', file], env: {}, directory: '/' };
}
