import { createPrivateKey } from 'node:crypto';
import type forgeModule from 'node-forge';
import type { IssuedCertificate } from './issue.js';
import { readParts, signatureAlgorithm, signDer, type Asn1, type Forge } from './signing.js';

export interface CrlRequest {
  readonly ca: IssuedCertificate;
  /** When each certificate was revoked, by serial number in hexadecimal digits. */
  readonly revoked: ReadonlyMap<string, Date>;
  /** Higher than that of the list before. */
  readonly number: bigint;
  readonly thisUpdate: Date;
  /** From then on the list counts as outdated, and OpenSSL refuses every certificate of the CA. */
  readonly nextUpdate: Date;
}

/** `[0]`: forge has no names for the tags of other classes. */
const noType = 0 as unknown as forgeModule.asn1.Type;

/** Signs a certificate revocation list, version 2; gives PEM. */
export async function issueCrl(request: CrlRequest): Promise<string> {
  const { default: forge } = await import('node-forge');
  const key = createPrivateKey(request.ca.keyPem);
  const issuer = readParts(forge, request.ca.certPem);
  const { sequence, integer, octets, oid } = builders(forge);
  const entries = [...request.revoked].map(([serial, date]) =>
    sequence([integer(Buffer.from(evenDigits(serial), 'hex')), time(forge, date)]),
  );
  const { Class, create, toDer } = forge.asn1;
  const authority = sequence([create(Class.CONTEXT_SPECIFIC, noType, false, issuer.keyId)]);
  const number = integer(Buffer.from(evenDigits(request.number.toString(16)), 'hex'));
  const extensions = sequence([
    sequence([oid('2.5.29.35'), octets(toDer(authority).getBytes())]),
    sequence([oid('2.5.29.20'), octets(toDer(number).getBytes())]),
  ]);
  const list = sequence([
    integer(Buffer.from([1])),
    signatureAlgorithm(forge, key),
    issuer.name,
    time(forge, request.thisUpdate),
    time(forge, request.nextUpdate),
    // an empty list must be left out (RFC 5280 §5.1.2.6)
    ...(entries.length === 0 ? [] : [sequence(entries)]),
    create(Class.CONTEXT_SPECIFIC, noType, true, [extensions]),
  ]);
  return signDer(forge, list, key, 'X509 CRL');
}

function builders(forge: Forge) {
  const { Class, Type, create, oidToDer } = forge.asn1;
  const { UNIVERSAL } = Class;
  return {
    sequence: (parts: Asn1[]) => create(UNIVERSAL, Type.SEQUENCE, true, parts),
    octets: (bytes: string) => create(UNIVERSAL, Type.OCTETSTRING, false, bytes),
    oid: (name: string) => create(UNIVERSAL, Type.OID, false, oidToDer(name).getBytes()),
    /** A positive one: a first bit that is set would make it negative. */
    integer: (bytes: Buffer) => {
      const positive = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
      return create(UNIVERSAL, Type.INTEGER, false, positive.toString('latin1'));
    },
  };
}

function evenDigits(digits: string): string {
  return digits.length % 2 === 0 ? digits : `0${digits}`;
}

/** RFC 5280 §5.1.2.4: UTCTime until 2049. */
function time(forge: Forge, date: Date): Asn1 {
  const { Class, Type, create, dateToUtcTime, dateToGeneralizedTime } = forge.asn1;
  const isShort = date.getUTCFullYear() < 2050;
  const text = isShort ? dateToUtcTime(date) : dateToGeneralizedTime(date);
  return create(Class.UNIVERSAL, isShort ? Type.UTCTIME : Type.GENERALIZEDTIME, false, text);
}
