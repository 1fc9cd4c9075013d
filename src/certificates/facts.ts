import { X509Certificate } from 'node:crypto';
import { canonicalIp } from './ip-address.js';

/** What a certificate says of itself. */
export interface CertificateFacts {
  /** The certificate alone, as PEM. */
  readonly pem: string;
  /** In one line, its values escaped as in RFC 2253: `O=My Company, CN=node1.my.cluster`. */
  readonly subject: string;
  readonly issuer: string;
  /** The first common name, which is the one that socat compares. */
  readonly commonName?: string | undefined;
  readonly dnsNames: readonly string[];
  /** In canonical text form. */
  readonly ipAddresses: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SHA-256, hexadecimal digits in pairs with colons. */
  readonly fingerprint256: string;
  /** Subject and issuer have the same name. */
  readonly selfIssued: boolean;
  /** May sign others: basicConstraints says CA, or it is a root of X.509 version 1. */
  readonly isCa: boolean;
  /** `rsa 3072`, `ec prime256v1`, `ed25519`. */
  readonly keyType: string;
  /** Object identifiers; undefined when the certificate does not restrict its use. */
  readonly extendedKeyUsages: readonly string[] | undefined;
  readonly x509: X509Certificate;
}

/** Reads one certificate, PEM or DER. Throws what OpenSSL says when it is damaged, or a RangeError. */
export function readFacts(pem: string | Uint8Array): CertificateFacts {
  const x509 = new X509Certificate(pem);
  // Throws for a key that is none; node (24.21) crashes when it makes the legacy object of a certificate with such a key.
  const keyType = describeKey(x509);
  const names = parseAlternativeNames(x509.subjectAltName ?? '');
  const selfIssued = x509.subject === x509.issuer;
  // the type says string[], but it is undefined for a certificate without the extension
  const usages = x509.keyUsage as string[] | undefined;
  return {
    pem: x509.toString(),
    subject: oneLine(x509.subject),
    issuer: oneLine(x509.issuer),
    commonName: firstCommonName(x509),
    dnsNames: names.filter((name) => name.kind === 'DNS').map((name) => name.value),
    ipAddresses: names
      .filter((name) => name.kind === 'IP Address')
      .map((name) => canonicalIp(name.value) ?? name.value),
    notBefore: readTime(x509.validFrom),
    notAfter: readTime(x509.validTo),
    fingerprint256: x509.fingerprint256,
    selfIssued,
    isCa: x509.ca || (selfIssued && isVersion1(x509.raw)),
    keyType,
    extendedKeyUsages: usages,
    x509,
  };
}

/** OpenSSL (3.0) reads a certificate whose time is none, and writes `Bad time value`. */
function readTime(text: string): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw new RangeError(`expected a time, got ${JSON.stringify(text)}`);
  return time;
}

/** Node writes a name's parts on lines; line ends inside of them are escaped as `\0A`. */
function oneLine(name: string | undefined): string {
  return (name ?? '').replaceAll('\n', ', ');
}

/** From the legacy object, which has the values as they are; a name with several CNs has them as a list. */
function firstCommonName(x509: X509Certificate): string | undefined {
  const subject = x509.toLegacyObject().subject as { CN?: string | string[] } | undefined;
  const names = subject?.CN;
  return typeof names === 'string' ? names : names?.[0];
}

interface AlternativeName {
  readonly kind: string;
  readonly value: string;
}

/**
 * Takes Node's rendering apart: `DNS:a, IP Address:1.2.3.4, DNS:"odd\u002c name"`. Since CVE-2021-44532 (Node
 * 16.13.2) entries that could be mistaken for several are written as JSON strings.
 */
export function parseAlternativeNames(text: string): readonly AlternativeName[] {
  const entry = /([A-Za-z][A-Za-z0-9 ]*):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/y;
  const names: AlternativeName[] = [];
  for (let match = entry.exec(text); match !== null; match = entry.exec(text)) {
    const [, kind = '', value = ''] = match;
    names.push({ kind, value: value.startsWith('"') ? (JSON.parse(value) as string) : value });
    if (entry.lastIndex === text.length) break;
  }
  return names;
}

/** A v1 certificate has no extensions that could call it a CA; its TBS part begins with the serial number, not with [0]. */
function isVersion1(der: Uint8Array): boolean {
  const contentOf = (at: number) => at + 2 + ((der[at + 1] ?? 0) > 0x7f ? (der[at + 1] ?? 0) & 0x7f : 0);
  return der[contentOf(contentOf(0))] === 0x02;
}

function describeKey(x509: X509Certificate): string {
  const { asymmetricKeyType, asymmetricKeyDetails } = x509.publicKey;
  const size = asymmetricKeyDetails?.modulusLength ?? asymmetricKeyDetails?.namedCurve;
  return `${asymmetricKeyType ?? 'unknown'}${size === undefined ? '' : ` ${size}`}`;
}
