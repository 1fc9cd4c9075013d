import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Test } from 'tap';
import { readFacts } from '../../src/certificates/facts.js';
import type { CertificateFacts } from '../../src/certificates/facts.js';
import { issueCa, issueCertificate } from '../../src/certificates/issue.js';
import type { CertificateRequest, IssuedCertificate } from '../../src/certificates/issue.js';
import type { Sourced } from '../../src/config/source.js';
import { TransferError } from '../../src/errors.js';

/** An option as line 7 of an option file sets it. */
export function option(name: string, value: string): Sourced<string> {
  return { value, source: { kind: 'file', file: '/etc/mysql/my.cnf', line: 7, group: 'sst', name } };
}

/** A directory with an option to write files into it; gone after the test. */
export function folder(t: Test): {
  path: string;
  write: (name: string, text: string | Buffer, mode?: number) => string;
} {
  const path = mkdtempSync(join(tmpdir(), 'certificates-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return {
    path,
    write: (name, text, mode = 0o600) => {
      writeFileSync(join(path, name), text, { mode });
      return join(path, name);
    },
  };
}

export const ca: IssuedCertificate = await issueCa({ name: 'Test CA', keyType: 'ec' });
export const otherCa: IssuedCertificate = await issueCa({ name: 'Other CA', keyType: 'ec' });

/** An EC certificate signed by `ca` unless the request says otherwise. */
export function node(request: CertificateRequest & { ca?: IssuedCertificate }): Promise<IssuedCertificate> {
  return issueCertificate({ ca, keyType: 'ec', ...request });
}

export async function nodeFacts(
  request: CertificateRequest & { ca?: IssuedCertificate },
): Promise<CertificateFacts> {
  return readFacts((await node(request)).certPem);
}

/** What a call throws, as TransferError. */
export function failureOf(call: () => unknown): TransferError {
  try {
    call();
  } catch (error) {
    if (error instanceof TransferError) return error;
    throw error;
  }
  throw new Error('expected a TransferError, nothing was thrown');
}

export function openssl(args: readonly string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts `socat` with one listening address and one other; resolves when it listens, rejects when it ends before. */
export async function listen(t: Test, address: string, other: string): Promise<void> {
  // Teardowns do not run in a test that is interrupted or killed: the kernel ends the listener with this process.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'socat', '-d', '-d', address, other], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  // A SIGTERM can leave a socat that serves a connection spinning in OpenSSL's cleanup (seen with 1.7.4.4).
  t.teardown(() => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL');
  });
  let stderr = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      if (stderr.includes('listening on')) resolve();
    });
    child.once('close', () => reject(new Error(`socat ended: ${stderr}`)));
  });
}

/** What `socat -u ADDRESS -` prints, within five seconds. */
export async function socatReads(address: string): Promise<string> {
  const child = spawn('socat', ['-u', address, '-'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const end = new AbortController();
  void setTimeout(5000, undefined, { signal: end.signal }).then(
    () => child.kill('SIGKILL'),
    () => undefined,
  );
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await new Promise((resolve) => child.once('close', resolve));
  end.abort();
  return text;
}
