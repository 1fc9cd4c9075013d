import { verify, type KeyObject } from 'node:crypto';
import { derTags, readElement, readElements, readHex, readTime, type DerElement } from './der-reader.js';

/** What a certificate revocation list says. */
export interface CrlFacts {
  readonly pem: string;
  readonly thisUpdate: Date;
  /** Undefined when it says nothing of a successor. */
  readonly nextUpdate: Date | undefined;
  /** Its number, if it has one. */
  readonly number: bigint | undefined;
  /** When each certificate was revoked, by serial number (upper-case hexadecimal digits without leading zeros). */
  readonly revoked: ReadonlyMap<string, Date>;
  /** Whether the owner of this key signed it. */
  readonly isSignedBy: (key: KeyObject) => boolean;
}

/** The serial number as `revoked` has it. */
export function serialKey(serialNumber: string): string {
  return serialNumber.toUpperCase().replace(/^0+(?=.)/, '');
}

/** Reads one list, DER; throws a RangeError when it is damaged. */
export function readCrl(der: Buffer): CrlFacts {
  const [signed, algorithm, signature] = readElements(readElement(der).content);
  if (signed === undefined || algorithm === undefined || signature?.tag !== derTags.bitString)
    throw new RangeError('not a certificate revocation list');
  const fields = [...readElements(signed.content)];
  if (fields[0]?.tag === derTags.integer) fields.shift();
  const [, , thisUpdate, ...rest] = fields;
  if (thisUpdate === undefined) throw new RangeError('a revocation list without a date');
  const nextUpdate = rest.find(({ tag }) => tag === derTags.utcTime || tag === derTags.generalizedTime);
  const entries = rest.find(({ tag }) => tag === derTags.sequence);
  const extensions = rest.find(({ tag }) => tag === 0xa0);
  const hash = hashOf(readElements(algorithm.content)[0]);
  return {
    pem: toPem(der),
    thisUpdate: readTime(thisUpdate),
    nextUpdate: nextUpdate === undefined ? undefined : readTime(nextUpdate),
    number: extensions === undefined ? undefined : readNumber(extensions),
    revoked: new Map(entries === undefined ? [] : readElements(entries.content).map(readEntry)),
    isSignedBy: (key) => {
      try {
        // the first byte of a bit string counts unused bits
        return verify(hash, signed.whole, key, signature.content.subarray(1));
      } catch {
        return false;
      }
    },
  };
}

function readEntry({ content }: DerElement): [string, Date] {
  const [serial, date] = readElements(content);
  if (serial === undefined || date === undefined) throw new RangeError('an entry without serial or date');
  return [readHex(serial), readTime(date)];
}

/** cRLNumber, 2.5.29.20 */
const numberOid = '551d14';

function readNumber(extensions: DerElement): bigint | undefined {
  for (const { content } of readElements(readElement(extensions.content).content)) {
    const parts = readElements(content);
    if (parts[0]?.content.toString('hex') !== numberOid) continue;
    const octets = parts.at(-1);
    return octets === undefined ? undefined : BigInt(`0x${readHex(readElement(octets.content))}`);
  }
  return undefined;
}

/** Object identifiers of signatures, as their bytes: RSA PKCS #1, ECDSA. EdDSA has no hash beside it. */
const hashes: Readonly<Record<string, string>> = {
  '2a864886f70d010105': 'sha1',
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a8648ce3d0401': 'sha1',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
};

function hashOf(oid: DerElement | undefined): string | null {
  return hashes[oid?.content.toString('hex') ?? ''] ?? null;
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN X509 CRL-----\n${lines.join('\n')}\n-----END X509 CRL-----\n`;
}
