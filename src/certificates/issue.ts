import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import type forgeModule from 'node-forge';
import { currentTime } from '../surroundings.js';
import { canonicalIp } from './ip-address.js';
import { keyIdentifier, readDer, readParts, signatureAlgorithm, signDer } from './signing.js';
import type { Asn1, CertificateParts, Forge } from './signing.js';

/** In forge since 0.7.2, but not in its types. */
interface Untyped {
  readonly getTBSCertificate: (certificate: forgeModule.pki.Certificate) => Asn1;
}

/** The kinds of keys that can be issued; RSA has 3072 bits unless `rsaBits` says otherwise, EC is P-256. */
export type IssuedKeyType = 'rsa' | 'ec' | 'ed25519';

export type ExtendedKeyUsage = 'serverAuth' | 'clientAuth';

/** A certificate and its private key, both PEM. */
export interface IssuedCertificate {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface CaRequest {
  /** The CA's common name. */
  readonly name: string;
  readonly keyType?: IssuedKeyType | undefined;
  readonly days?: number | undefined;
  readonly keyPem?: string | undefined;
  readonly rsaBits?: number | undefined;
  readonly notBefore?: Date | undefined;
  readonly notAfter?: Date | undefined;
}

export interface CertificateRequest {
  /** Undefined makes an empty subject. */
  readonly commonName?: string | undefined;
  readonly dnsNames?: readonly string[] | undefined;
  readonly ipAddresses?: readonly string[] | undefined;
  readonly keyType?: IssuedKeyType | undefined;
  readonly rsaBits?: number | undefined;
  /** Default: five minutes ago, so that a peer whose clock is a little behind accepts it at once. */
  readonly notBefore?: Date | undefined;
  /** Default: `days` (3650 for a CA, 365 otherwise) after now. */
  readonly notAfter?: Date | undefined;
  readonly days?: number | undefined;
  /** Default: a new one of `keyType`. */
  readonly keyPem?: string | undefined;
  /** Default: both, as a node is server and client; an empty list leaves the extension out. */
  readonly extendedKeyUsages?: readonly ExtendedKeyUsage[] | undefined;
  readonly isCa?: boolean | undefined;
  /**
   * PEM of a certificate whose subject and extensions are repeated as they are: whatever names, usages, limits and policies it has.
   * What this request says of them counts where that one has nothing.
   */
  readonly like?: string | undefined;
  /** False leaves the common name out of the subjectAltName; by default a host name or IP address is repeated there. */
  readonly commonNameInSan?: boolean | undefined;
}

/** Issues a self-signed CA certificate. */
export function issueCa(request: CaRequest): Promise<IssuedCertificate> {
  const { name, ...rest } = request;
  return issue({ ...rest, commonName: name, isCa: true }, undefined);
}

/** Issues a certificate signed by `ca`, for a key pair of its own. */
export function issueCertificate(
  request: CertificateRequest & { readonly ca: IssuedCertificate },
): Promise<IssuedCertificate> {
  return issue(request, request.ca);
}

/** Issues a certificate that is signed with its own key and may not sign others. */
export function selfSigned(request: CertificateRequest): Promise<IssuedCertificate> {
  return issue(request, undefined);
}

async function issue(
  request: CertificateRequest,
  ca: IssuedCertificate | undefined,
): Promise<IssuedCertificate> {
  const { default: forge } = await import('node-forge');
  const keyPem = request.keyPem ?? createKey(request);
  const spki = readDer(forge, createPublicKey(keyPem).export({ type: 'spki', format: 'der' }));
  const signingKey = createPrivateKey(ca?.keyPem ?? keyPem);
  const algorithm = signatureAlgorithm(forge, signingKey);
  const issuer = ca === undefined ? undefined : readParts(forge, ca.certPem);
  const model = request.like === undefined ? undefined : readParts(forge, request.like);
  const der = (part: Asn1): string => forge.asn1.toDer(part).getBytes();
  // Those that a CA has signed name its key as it did: the same key keeps its identifier.
  const isSameKey = model !== undefined && der(model.spki) === der(spki);
  const ownKeyId = isSameKey ? model.keyId : keyIdentifier(spki);

  const keyIds = { own: ownKeyId, issuer: issuer?.keyId ?? ownKeyId };
  const tbs = buildTbs(forge, { ...request, keyType: kindOf(keyPem) }, keyIds, model);
  // forge builds names, dates and extensions; it knows only RSA, so what depends on keys is put in afterwards
  const fields = tbs.value as Asn1[];
  fields[2] = algorithm;
  const name = issuer?.name ?? model?.name;
  if (name !== undefined) fields[3] = name;
  if (model !== undefined) fields[5] = model.name;
  fields[6] = spki;

  return { certPem: signDer(forge, tbs, signingKey, 'CERTIFICATE'), keyPem };
}

function createKey({ keyType = 'rsa', rsaBits = 3072 }: CertificateRequest): string {
  return createPrivateKeyObject(keyType, rsaBits).export({ type: 'pkcs8', format: 'pem' }).toString();
}

function kindOf(keyPem: string): IssuedKeyType {
  const kind = createPrivateKey(keyPem).asymmetricKeyType;
  return kind === 'ec' || kind === 'ed25519' ? kind : 'rsa';
}

function createPrivateKeyObject(keyType: IssuedKeyType, rsaBits: number): KeyObject {
  switch (keyType) {
    case 'rsa':
      return generateKeyPairSync('rsa', { modulusLength: rsaBits }).privateKey;
    case 'ec':
      return generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
    case 'ed25519':
      return generateKeyPairSync('ed25519').privateKey;
  }
}

interface KeyIds {
  readonly own: string;
  readonly issuer: string;
}

function buildTbs(
  forge: Forge,
  request: CertificateRequest,
  keyIds: KeyIds,
  model: CertificateParts | undefined,
): Asn1 {
  const { commonName } = request;
  const isCa = request.isCa ?? false;
  const certificate = forge.pki.createCertificate();
  const placeholder = new forge.jsbn.BigInteger('3');
  certificate.publicKey = forge.pki.setRsaPublicKey(placeholder, placeholder);
  certificate.siginfo.algorithmOid = '1.2.840.113549.1.1.11';
  certificate.signatureOid = '1.2.840.113549.1.1.11';
  certificate.serialNumber = serialNumber();
  const now = currentTime().getTime();
  certificate.validity.notBefore = request.notBefore ?? new Date(now - 5 * 60_000);
  certificate.validity.notAfter =
    request.notAfter ?? new Date(now + (request.days ?? (isCa ? 3650 : 365)) * 86_400_000);
  const utf8 = forge.asn1.Type.UTF8 as unknown as forgeModule.asn1.Class;
  const subject =
    commonName === undefined ? [] : [{ name: 'commonName', value: commonName, valueTagClass: utf8 }];
  certificate.setSubject(subject);
  certificate.setIssuer(subject);
  certificate.setExtensions(withModel(forge, extensions(forge, request, isCa, keyIds), model));
  return (forge.pki as unknown as Untyped).getTBSCertificate(certificate);
}

/** Of the keys, and what a log of certificates has said of the other one. */
const notRepeated = new Set(['2.5.29.14', '2.5.29.35', '1.3.6.1.4.1.11129.2.4.2']);

function withModel(
  forge: Forge,
  usual: ReturnType<typeof extensions>,
  model: CertificateParts | undefined,
): object[] {
  const kept = (model?.extensions ?? []).filter(({ id }) => !notRepeated.has(id));
  const { oids } = forge.pki;
  return [...usual.filter(({ name }) => !kept.some(({ id }) => id === oids[name])), ...kept];
}

/** Positive and not longer than 20 bytes (RFC 5280 §4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}

function extensions(forge: Forge, request: CertificateRequest, isCa: boolean, keyIds: KeyIds) {
  const { Class, Type, create, toDer } = forge.asn1;
  const usages = request.extendedKeyUsages ?? (isCa ? [] : (['serverAuth', 'clientAuth'] as const));
  const names = alternativeNames(request, isCa);
  return [
    { name: 'basicConstraints', cA: isCa, critical: true },
    isCa
      ? { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true }
      : {
          name: 'keyUsage',
          digitalSignature: true,
          // RSA key exchange of TLS 1.2
          keyEncipherment: request.keyType === 'rsa',
          critical: true,
        },
    ...(usages.length === 0
      ? []
      : [{ name: 'extKeyUsage', ...Object.fromEntries(usages.map((usage) => [usage, true])) }]),
    ...(names.length === 0
      ? []
      : [{ name: 'subjectAltName', altNames: names, critical: request.commonName === undefined }]),
    // as bytes: forge would compute it from the RSA key that it believes to have
    {
      id: '2.5.29.14',
      name: 'subjectKeyIdentifier',
      value: toDer(create(Class.UNIVERSAL, Type.OCTETSTRING, false, keyIds.own)).getBytes(),
    },
    { name: 'authorityKeyIdentifier', keyIdentifier: keyIds.issuer },
  ];
}

function alternativeNames(request: CertificateRequest, isCa: boolean) {
  const { commonName, dnsNames = [], ipAddresses = [] } = request;
  const names = [
    ...dnsNames.map((value) => ({ type: 2, value })),
    ...ipAddresses.map((ip) => ({ type: 7, value: ipBytes(ip) })),
  ];
  if (commonName === undefined || isCa || request.commonNameInSan === false) return names;
  if (dnsNames.includes(commonName) || ipAddresses.includes(commonName)) return names;
  if (isIP(commonName) !== 0) return [...names, { type: 7, value: ipBytes(commonName) }];
  const hostName = /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i;
  return hostName.test(commonName) ? [...names, { type: 2, value: commonName }] : names;
}

/** The 4 or 16 bytes of an address: forge does not read every spelling (`::ffff:10.0.0.1`). */
function ipBytes(text: string): string {
  const address = canonicalIp(text);
  if (address === undefined || text.includes('%'))
    throw new TypeError(`${text} is no IP address without a zone`);
  if (isIP(address) === 4) return String.fromCharCode(...address.split('.').map(Number));
  const groups = (part: string): number[] =>
    part === ''
      ? []
      : part.split(':').flatMap((group) => (group.includes('.') ? pairs(group) : [parseInt(group, 16)]));
  const [head = '', tail] = address.split('::');
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = new Array<number>(8 - before.length - after.length).fill(0);
  return [...before, ...zeros, ...after]
    .map((group) => String.fromCharCode(group >> 8, group & 0xff))
    .join('');
}

/** The end of an address that is written as one of IPv4. */
function pairs(text: string): number[] {
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number);
  return [a * 256 + b, c * 256 + d];
}
