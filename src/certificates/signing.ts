import { createHash, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type forgeModule from 'node-forge';
import { TransferError } from '../errors.js';

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

/** What of a certificate is repeated in others, byte by byte. */
export interface CertificateParts {
  /** The subject: string types count when OpenSSL hashes names. */
  readonly name: Asn1;
  readonly spki: Asn1;
  /** What it says itself, which need not be a SHA-1 (RFC 7093): it is compared with what those say that it has signed. */
  readonly keyId: string;
  readonly extensions: readonly Extension[];
}

export interface Extension {
  readonly id: string;
  readonly critical: boolean;
  /** DER. */
  readonly value: string;
}

const subjectKeyIdentifier = '2.5.29.14';

export function readParts(forge: Forge, certPem: string): CertificateParts {
  const body = forge.pem.decode(certPem)[0]?.body ?? '';
  const certificate = readDer(forge, Buffer.from(body, 'latin1'));
  const fields = (certificate.value as Asn1[])[0]?.value as Asn1[];
  const [name, spki] = [fields[5], fields[6]];
  // Without the version, [0], it is X.509 version 1.
  if (fields[0]?.tagClass !== forge.asn1.Class.CONTEXT_SPECIFIC || name === undefined || spki === undefined)
    throw new TransferError(
      'CERTIFICATE_USAGE',
      'the certificate is not X.509 version 3, which all others are',
      {
        hint: 'make a new one with galera-sst-tunnel certs init-ca or galera-sst-tunnel certs issue',
      },
    );
  const extensions = readExtensions(forge, fields);
  const own = extensions.find(({ id }) => id === subjectKeyIdentifier);
  const keyId =
    own === undefined
      ? keyIdentifier(spki)
      : (readDer(forge, Buffer.from(own.value, 'latin1')).value as string);
  return { name, spki, keyId, extensions };
}

/** `[3]`: forge has no names for the tags of other classes. */
const extensionsTag = 3 as unknown as forgeModule.asn1.Type;

function readExtensions(forge: Forge, fields: readonly Asn1[]): readonly Extension[] {
  const { Class, derToOid, toDer } = forge.asn1;
  const field = fields.find(
    ({ tagClass, type }) => tagClass === Class.CONTEXT_SPECIFIC && type === extensionsTag,
  );
  const list = ((field?.value as Asn1[] | undefined)?.[0]?.value ?? []) as Asn1[];
  return list.map((one) => {
    const parts = one.value as Asn1[];
    const [oid, octets] = [parts[0], parts.at(-1)];
    if (oid === undefined || octets === undefined) throw new TypeError('an extension without a value');
    const { value } = octets;
    return {
      id: derToOid(oid.value as string),
      critical: parts.length === 3 && (parts[1]?.value as string) !== '\0',
      // forge takes octets apart that look like DER
      value: typeof value === 'string' ? value : value.map((part) => toDer(part).getBytes()).join(''),
    };
  });
}
