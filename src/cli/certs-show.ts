import { createPrivateKey } from 'node:crypto';
import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname } from 'node:path';
import { decodeBlock, readGivenFile } from '../certificates/certificate-file.js';
import { duration } from '../certificates/checks.js';
import { readCrl, type CrlFacts } from '../certificates/crl.js';
import { readFacts, type CertificateFacts } from '../certificates/facts.js';
import { isCertificateBlock, isCrlBlock, isEncryptedBlock, isKeyBlock } from '../certificates/pem.js';
import { fetchPresented } from '../certificates/presented.js';
import { targetOf } from '../check/target.js';
import { TransferError } from '../errors.js';
import { shellQuote } from '../shell-quote.js';
import { printable } from './terminal.js';

/** `certs show FILE|HOST:PORT`: what a file holds, or a server shows. */
export async function show(
  what: string,
  { json, speaks }: { readonly json: boolean; readonly speaks: 'tls' | 'mysql' | undefined },
  now: Date,
  print: (line: string) => void,
): Promise<void> {
  if (existsSync(what)) {
    showFile(what, json, now, print);
    return;
  }
  if (!/:\d+$/.test(what))
    throw new TransferError('CERTIFICATE_MISSING', `${what} is neither a file nor HOST:PORT`, {
      hint: `correct the path (ls -l ${shellQuote(dirname(what))}), or name a server as HOST:PORT`,
    });
  if (isIP(what) === 6)
    throw new TransferError('ADDRESS_INVALID', `${what} is an IPv6 address, and has no port`, {
      hint: `name it as [${what}]:3306, or put the part before the port in brackets`,
    });
  const { host, port } = targetOf(what, 'certs show');
  const { chain, ...tls } = await fetchPresented({
    host,
    port,
    speaks: speaks ?? (port === 3306 ? 'mysql' : 'tls'),
    timeoutMs: 10_000,
  });
  if (json) {
    print(JSON.stringify({ ...tls, certificates: chain.map(asData) }, undefined, 2));
    return;
  }
  print(
    `${what}: ${tls.protocol} ${tls.cipher}${tls.version === undefined ? '' : `, ${printable(tls.version)}`}`,
  );
  for (const facts of chain) print(`\n${describe(facts, now).join('\n')}`);
}

function showFile(path: string, json: boolean, now: Date, print: (line: string) => void): void {
  const { blocks } = readGivenFile(path);
  const certificates = blocks
    .filter(isCertificateBlock)
    .map((block) => decodeBlock(path, block, ({ text }) => readFacts(text)));
  const crls = blocks.filter(isCrlBlock).map((block) => decodeBlock(path, block, ({ der }) => readCrl(der)));
  const keys = blocks.filter(isKeyBlock);
  if (json) {
    const data = { certificates: certificates.map(asData), crls: crls.map(crlData), keys: keys.length };
    print(JSON.stringify(data, undefined, 2));
    return;
  }
  const parts = [
    ...certificates.map((facts) => describe(facts, now)),
    ...crls.map((crl) => describeCrl(crl, now)),
    ...keys.map((block) => [
      isEncryptedBlock(block)
        ? 'private key, encrypted'
        : decodeBlock(path, block, ({ text }) => describeKey(text, certificates)),
    ]),
  ];
  print(parts.map((lines) => lines.join('\n')).join('\n\n'));
}

function describe(facts: CertificateFacts, now: Date): readonly string[] {
  const { subject, issuer, notBefore, notAfter, keyType, fingerprint256, isCa, selfIssued, x509 } = facts;
  const names = [
    ...facts.dnsNames.map((name) => `DNS ${name}`),
    ...facts.ipAddresses.map((ip) => `IP ${ip}`),
  ];
  return [
    `${isCa ? 'CA certificate' : 'certificate'} ${printable(subject)}`,
    `  issued by    ${selfIssued ? 'itself' : printable(issuer)}`,
    `  names        ${printable(names.join(', ') || 'no subjectAltName')}`,
    `  valid        ${notBefore.toISOString()} to ${notAfter.toISOString()}: ${validity(notBefore, notAfter, now)}`,
    `  key          ${keyType}`,
    `  usage        ${facts.extendedKeyUsages?.map(usageName).join(', ') ?? 'not restricted'}`,
    `  serial       ${x509.serialNumber}`,
    `  SHA-256      ${fingerprint256}`,
  ];
}

function usageName(oid: string): string {
  const names: Readonly<Record<string, string>> = {
    '1.3.6.1.5.5.7.3.1': 'TLS server',
    '1.3.6.1.5.5.7.3.2': 'TLS client',
  };
  return names[oid] ?? oid;
}

function validity(notBefore: Date, notAfter: Date, now: Date): string {
  if (now < notBefore) return `NOT VALID for another ${duration(notBefore.getTime() - now.getTime())}`;
  if (now > notAfter) return `EXPIRED ${duration(now.getTime() - notAfter.getTime())} ago`;
  return `${duration(notAfter.getTime() - now.getTime())} left`;
}

function describeCrl(crl: CrlFacts, now: Date): readonly string[] {
  const next = crl.nextUpdate;
  const state = next === undefined ? 'no end' : validity(crl.thisUpdate, next, now);
  return [
    `certificate revocation list${crl.number === undefined ? '' : ` number ${crl.number}`}`,
    `  valid        ${crl.thisUpdate.toISOString()} to ${next?.toISOString() ?? 'whenever'}: ${state}`,
    ...[...crl.revoked].map(([serial, date]) => `  revoked      ${serial} on ${date.toISOString()}`),
  ];
}

function describeKey(pem: string, certificates: readonly CertificateFacts[]): string {
  const key = createPrivateKey(pem);
  const owner = certificates.find(({ x509 }) => x509.checkPrivateKey(key));
  const belongs = owner === undefined ? '' : `, of the certificate ${printable(owner.subject)}`;
  return `private key, ${key.asymmetricKeyType ?? 'unknown'}${belongs}`;
}

function asData({ x509, pem, ...facts }: CertificateFacts): object {
  return { ...facts, serial: x509.serialNumber, pem };
}

function crlData({ pem, thisUpdate, nextUpdate, number, revoked }: CrlFacts): object {
  return { thisUpdate, nextUpdate, number: number?.toString(), revoked: Object.fromEntries(revoked), pem };
}
