import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { IssuedCertificate } from '../../src/certificates/issue.js';
import { freePort } from './given.js';

/** A certificate for node1 and 127.0.0.1 that OpenSSL refuses for what the checks here do not look at. */
export interface Refused extends IssuedCertificate {
  readonly name: string;
  /** The root's certificate. */
  readonly caPem: string;
  /** What is said of it where it is shown by a server and where by a client. */
  readonly code: 'CERTIFICATE_UNTRUSTED' | 'CERTIFICATE_USAGE';
  /** With OpenSSL's own words, which of a peer's certificate are not known. */
  readonly words: RegExp;
}

const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
const rsa = (bits: number): string[] => ['-newkey', `rsa:${bits}`];
const usages = 'extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=DNS:node1,IP:127.0.0.1\n';
const signs = 'keyUsage=critical,digitalSignature\n';

/** Below `dir`. */
export function refusedCertificates(dir: string): readonly Refused[] {
  mkdirSync(dir, { recursive: true });
  const root = makeCa(dir, 'root', '');
  const short = makeCa(dir, 'short', ',pathlen:0');
  const below = sign(dir, 'below', short, 'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n');
  const narrow = makeCa(dir, 'narrow', '', 'nameConstraints=critical,permitted;DNS:other.org');
  const pathlen = sign(dir, 'pathlen', below, signs + usages);
  const row = (name: string, issued: IssuedCertificate, ca: IssuedCertificate, words: RegExp): Refused => ({
    ...issued,
    name,
    caPem: ca.certPem,
    code: 'CERTIFICATE_UNTRUSTED',
    words,
  });
  return [
    row(
      'a root with pathlen:0 above an intermediate CA',
      { ...pathlen, certPem: pathlen.certPem + below.certPem },
      short,
      /PATH_LENGTH_EXCEEDED .*pathlen/,
    ),
    {
      ...row(
        'a keyUsage for signing certificates only',
        sign(dir, 'usage', root, `keyUsage=critical,keyCertSign\n${usages}`),
        root,
        /INVALID_PURPOSE .*keyUsage/,
      ),
      code: 'CERTIFICATE_USAGE',
    },
    row(
      'a name outside the name constraints of its CA',
      sign(dir, 'name', narrow, signs + usages),
      narrow,
      /permitted subtree violation/,
    ),
    row('an RSA key of 1024 bits', sign(dir, 'rsa', root, signs + usages, rsa(1024)), root, /key.*too weak/),
    row('a signature with SHA-1', sign(dir, 'sha1', root, signs + usages, ec, 'sha1'), root, /SHA-1/),
  ];
}

function makeCa(dir: string, name: string, constraint: string, more?: string): IssuedCertificate {
  const [crt, key] = [join(dir, `${name}.crt`), join(dir, `${name}.key`)];
  openssl([
    ...['req', '-x509', ...ec, '-nodes', '-keyout', key, '-out', crt, '-subj', `/CN=${name}`, '-days', '99'],
    ...['-addext', `basicConstraints=critical,CA:TRUE${constraint}`, '-addext', 'keyUsage=keyCertSign'],
    ...(more === undefined ? [] : ['-addext', more]),
  ]);
  return { certPem: readFileSync(crt, 'utf8'), keyPem: readFileSync(key, 'utf8') };
}

function sign(
  dir: string,
  name: string,
  ca: IssuedCertificate,
  extensions: string,
  newKey: readonly string[] = ec,
  digest = 'sha256',
): IssuedCertificate {
  const at = (ending: string): string => join(dir, `${name}.${ending}`);
  writeFileSync(at('ca'), ca.certPem + ca.keyPem);
  writeFileSync(at('ext'), extensions);
  openssl(['req', ...newKey, '-nodes', '-keyout', at('key'), '-out', at('csr'), '-subj', `/CN=${name}`]);
  openssl([
    ...['x509', '-req', '-in', at('csr'), '-CA', at('ca'), '-CAkey', at('ca'), '-CAcreateserial'],
    ...['-days', '98', `-${digest}`, '-extfile', at('ext'), '-out', at('crt')],
  ]);
  return { certPem: readFileSync(at('crt'), 'utf8'), keyPem: readFileSync(at('key'), 'utf8') };
}

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/**
 * Listens on 127.0.0.1 for one connection, with OpenSSL's own server, which at level 0 shows everything; gives the port.
 */
export async function showsAnything(
  t: Test,
  dir: string,
  { certPem, keyPem }: IssuedCertificate,
): Promise<number> {
  const file = join(dir, 'shown.pem');
  writeFileSync(file, certPem + keyPem);
  const port = await freePort();
  const options = ['-accept', `127.0.0.1:${port}`, '-cert', file, '-cert_chain', file, '-key', file];
  // The kernel ends the server with this process, should that be killed.
  const server = spawn(
    'setpriv',
    [
      '--pdeathsig',
      'KILL',
      'openssl',
      's_server',
      ...options,
      '-cipher',
      'DEFAULT@SECLEVEL=0',
      '-naccept',
      '1',
    ],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  t.teardown(() => void server.kill('SIGKILL'));
  await new Promise<void>((resolve, reject) => {
    server.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('ACCEPT')) resolve();
    });
    let said = '';
    server.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    server.once('close', () => reject(new Error(`openssl s_server ended: ${said}`)));
  });
  return port;
}
