import { createHash, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type forgeModule from 'node-forge';

export type Forge = typeof forgeModule;
export type Asn1 = forgeModule.asn1.Asn1;

/** Signs with Node, since forge knows only RSA: gives PEM of SEQUENCE { signed, algorithm, signature }. */
export function signDer(forge: Forge, signed: Asn1, key: KeyObject, label: string): string {
  const { Class, Type, create, toDer } = forge.asn1;
  const der = Buffer.from(toDer(signed).getBytes(), 'latin1');
  const signature = sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', der, key);
  const whole = create(Class.UNIVERSAL, Type.SEQUENCE, true, [
    signed,
    signatureAlgorithm(forge, key),
    create(Class.UNIVERSAL, Type.BITSTRING, false, `\0${signature.toString('latin1')}`),
  ]);
  return forge.pem.encode({ type: label, body: toDer(whole).getBytes() }).replaceAll('\r\n', '\n');
}

/** The AlgorithmIdentifier of a signature with SHA-256 (Ed25519 has a hash of its own). */
export function signatureAlgorithm(forge: Forge, key: KeyObject): Asn1 {
  const { Class, Type, create, oidToDer } = forge.asn1;
  const parts = (oid: string, parameters: Asn1[] = []) =>
    create(Class.UNIVERSAL, Type.SEQUENCE, true, [
      create(Class.UNIVERSAL, Type.OID, false, oidToDer(oid).getBytes()),
      ...parameters,
    ]);
  const kind = key.asymmetricKeyType;
  if (kind === 'rsa') return parts('1.2.840.113549.1.1.11', [create(Class.UNIVERSAL, Type.NULL, false, '')]);
  if (kind === 'ec') return parts('1.2.840.10045.4.3.2');
  if (kind === 'ed25519') return parts('1.3.101.112');
  throw new TypeError(`cannot sign with a key of type ${String(kind)}`);
}

export function readDer(forge: Forge, der: Buffer): Asn1 {
  // undecoded bit strings: forge would otherwise take a key that happens to look like DER apart
  const options = { strict: true, decodeBitStrings: false } as unknown as boolean;
  return forge.asn1.fromDer(forge.util.createBuffer(der.toString('latin1')), options);
}

/** RFC 5280 §4.2.1.2 (1): the SHA-1 of the public key's bit string without its count of unused bits. */
export function keyIdentifier(spki: Asn1): string {
  const bits = (spki.value as Asn1[])[1]?.value as string;
  return createHash('sha1')
    .update(Buffer.from(bits.slice(1), 'latin1'))
    .digest('binary');
}

/** The issuer's name must be repeated byte by byte: string types count when OpenSSL hashes names. */
export function readIssuer(forge: Forge, certPem: string): { name: Asn1; keyId: string } {
  const body = forge.pem.decode(certPem)[0]?.body ?? '';
  const certificate = readDer(forge, Buffer.from(body, 'latin1'));
  const fields = (certificate.value as Asn1[])[0]?.value as Asn1[];
  const [name, spki] = [fields[5], fields[6]];
  if (name === undefined || spki === undefined)
    throw new TypeError('the CA certificate must be X.509 version 3');
  return { name, keyId: keyIdentifier(spki) };
}
