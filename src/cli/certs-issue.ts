import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { isHostName } from '../config/address.js';
import { authorityFiles, openAuthority, readPair, requireSigned } from '../certificates/authority.js';
import { certificatesOf, readGivenFile } from '../certificates/certificate-file.js';
import { hasSigned, isSame } from '../certificates/chain.js';
import { readFacts, type CertificateFacts } from '../certificates/facts.js';
import {
  issueCa,
  issueCertificate,
  selfSigned,
  type CertificateRequest,
  type IssuedCertificate,
} from '../certificates/issue.js';
import { optionLines, pathOnNode } from '../certificates/option-lines.js';
import { writeFiles, type NewFile, type Writing } from '../certificates/write-files.js';
import { TransferError } from '../errors.js';
import { shellQuote } from '../shell-quote.js';
import { currentTime, ownUser } from '../surroundings.js';
import { filesOf } from './certs-names.js';

/** Where certificates are written and how they are made. */
export interface IssueOptions extends Writing {
  readonly dir: string;
  /** The CA's directory; default: `dir`. */
  readonly caDir?: string | undefined;
  /** Where the node will have the files, for the lines to paste; default: `dir`. */
  readonly nodeDir?: string | undefined;
  readonly keyType: 'rsa' | 'ec';
  readonly days?: number | undefined;
}

type Print = (line: string) => void;

/** `certs init-ca`: a CA in a directory. */
export async function initCa(name: string, options: IssueOptions, print: Print): Promise<void> {
  const { keyType, days } = options;
  const ca = await issueCa({ name, keyType, days });
  const at = (file: string): string => resolve(options.dir, file);
  // Only who issues certificates needs the CA's key: the server's user must not be able to read it.
  const files = [
    { path: at(authorityFiles.key), text: ca.keyPem, mode: 0o600 },
    { path: at(authorityFiles.cert), text: ca.certPem, mode: 0o644 },
  ];
  writeFiles(files, { isForced: options.isForced });
  sayWritten(ca, [at(authorityFiles.cert), at(authorityFiles.key)], print);
  print(`keep ${at(authorityFiles.key)} in a safe place: no node needs it`);
  const file = pathOnNode(at(authorityFiles.cert), options.nodeDir);
  for (const line of ['', '# on every node', '[sst]', `tca=${file}`, '', '[mysqld]', `ssl_ca=${file}`])
    print(line);
}

/** `certs issue NODE`: a certificate signed by the CA. */
export async function issueNode(
  node: string,
  san: readonly string[],
  options: IssueOptions,
  print: Print,
): Promise<void> {
  const request = requestFor(node, san, options);
  const authority = openAuthority(resolve(options.caDir ?? options.dir));
  refuseOutliving(authority.facts, options.days ?? 365);
  const issued = await issueCertificate({ ...request, ca: authority.pair });
  writeNode(node, issued, options, print);
  const ca = resolve(options.dir, authorityFiles.cert);
  if (!existsSync(ca)) {
    const { isForced, owner } = options;
    writeFiles([{ path: ca, text: authority.pair.certPem, mode: 0o644 }], { isForced, owner });
  } else if (!isHeldBy(ca, authority.facts)) {
    print(`${ca} does not hold the CA that has issued this certificate. To have it in there, too:`);
    const files = [ca, ca, authority.certFile].map(shellQuote).join(' ');
    print(`  galera-sst-tunnel certs bundle --force ${files}`);
  }
  printLines(node, ca, options, print);
}

/** A directory may have the certificate of another CA, or of the one before. */
function isHeldBy(file: string, ca: CertificateFacts): boolean {
  const source = { kind: 'command line', name: file } as const;
  return certificatesOf(readGivenFile(file), source).some((one) => isSame(one, ca));
}

/** `certs self-signed NODE`: a certificate that is its own CA; a `tca` holds those of all nodes. */
export async function selfSignNode(
  node: string,
  san: readonly string[],
  options: IssueOptions,
  print: Print,
): Promise<void> {
  const issued = await selfSigned(requestFor(node, san, options));
  const all = resolve(options.dir, 'all.crt');
  writeNode(node, issued, options, print);
  printLines(node, all, options, print);
  print('');
  print(`# ${all} is to hold the certificates of all nodes; with them in one place:`);
  print(`#   galera-sst-tunnel certs bundle ${shellQuote(all)} *.crt`);
}

/** `certs renew NAME`: the same names for another while, under the same key unless a new one is wanted. */
export async function renew(
  name: string,
  options: IssueOptions & { readonly wantsNewKey: boolean },
  print: Print,
): Promise<void> {
  const { cert, key } = filesOf(name, options.dir);
  const { leaf, keyPem } = readPair(cert, key);
  const kept = options.wantsNewKey ? {} : { keyPem };
  const request = { ...requestAgain(leaf, options), ...kept };
  const issued = await renewed(leaf, request, options, cert);
  const old: NewFile[] = [
    { path: `${cert}.old`, text: leaf.pem, mode: 0o644 },
    ...(options.wantsNewKey ? [{ path: `${key}.old`, text: keyPem, mode: 0o600 }] : []),
  ];
  const fresh: NewFile[] = [
    ...(options.wantsNewKey ? [{ path: key, text: issued.keyPem, mode: 0o600 }] : []),
    { path: cert, text: issued.certPem, mode: 0o644 },
  ];
  const { owner } = options;
  writeFiles([...old, ...fresh], { isForced: true, owner: leaf.isCa ? undefined : owner });
  sayWritten(
    issued,
    fresh.map(({ path }) => path),
    print,
  );
  print(`the one before is kept as ${old.map(({ path }) => path).join(' and ')}`);
  print('transfers use it from now on; a running server does after FLUSH SSL');
}

async function renewed(
  leaf: CertificateFacts,
  request: CertificateRequest,
  options: IssueOptions,
  file: string,
): Promise<IssuedCertificate> {
  if (leaf.isCa && leaf.selfIssued) {
    if (request.keyPem === undefined) {
      throw new TransferError(
        'ARGUMENT_INVALID',
        'a CA with a new key is another CA: nothing it signed before chains to it',
        {
          hint: 'create it with certs init-ca in another directory, and let tca hold both until all nodes have new certificates',
        },
      );
    }
    return issueCa({ ...request, name: leaf.commonName ?? '' });
  }
  if (leaf.selfIssued && hasSigned(leaf, leaf)) return selfSigned(request);
  const authority = openAuthority(resolve(options.caDir ?? options.dir));
  requireSigned(authority, leaf, file);
  refuseOutliving(authority.facts, options.days ?? 365);
  return issueCertificate({ ...request, ca: authority.pair });
}

function requestFor(
  node: string,
  san: readonly string[],
  { keyType, days }: IssueOptions,
): CertificateRequest {
  const names = [node, ...san].map(parseName);
  return {
    commonName: node,
    dnsNames: unique(names.filter(({ kind }) => kind === 'DNS').map(({ value }) => value)),
    ipAddresses: unique(names.filter(({ kind }) => kind === 'IP').map(({ value }) => value)),
    keyType,
    days: days ?? 365,
  };
}

function requestAgain(leaf: CertificateFacts, { days }: IssueOptions): CertificateRequest {
  const kind = leaf.x509.publicKey.asymmetricKeyType;
  return {
    commonName: leaf.commonName,
    dnsNames: leaf.dnsNames,
    ipAddresses: leaf.ipAddresses,
    keyType: kind === 'ec' || kind === 'ed25519' ? kind : 'rsa',
    days: days ?? (leaf.isCa ? 3650 : 365),
  };
}

/** `node1.my.cluster`, `*.my.cluster`, `10.0.0.1`, `DNS:…`, `IP:…`. */
function parseName(text: string): { readonly kind: 'DNS' | 'IP'; readonly value: string } {
  const [, prefix, value = ''] = /^(?:(DNS|IP):)?(.*)$/i.exec(text) ?? [];
  const isAddress = isIP(value) !== 0;
  const isName = isHostName(value.replace(/^\*\./, ''));
  const wanted = prefix?.toUpperCase();
  if (isAddress && wanted !== 'DNS') return { kind: 'IP', value };
  if (isName && !isAddress && wanted !== 'IP') return { kind: 'DNS', value };
  throw new TransferError(
    'ARGUMENT_INVALID',
    `${JSON.stringify(text)} is neither a host name nor an IP address`,
    {
      hint: 'name what other nodes connect to: node1.my.cluster, or 10.0.0.1; more of them with --san',
    },
  );
}

/** Peers refuse a certificate whose CA has expired, whatever it says of itself. */
function refuseOutliving(ca: CertificateFacts, days: number): void {
  if (ca.notAfter.getTime() > currentTime().getTime() + days * 86_400_000) return;
  throw new TransferError(
    'CERTIFICATE_EXPIRES_SOON',
    `the CA ${JSON.stringify(ca.subject)} expires on ${ca.notAfter.toISOString()}, before a certificate of ${days} days would`,
    { hint: 'renew the CA first (certs renew ca), or ask for fewer --days' },
  );
}

function writeNode(node: string, issued: IssuedCertificate, options: IssueOptions, print: Print): void {
  const { cert, key } = filesOf(node, options.dir);
  const files = [
    { path: key, text: issued.keyPem, mode: 0o600 },
    { path: cert, text: issued.certPem, mode: 0o644 },
  ];
  writeFiles(files, options);
  sayWritten(issued, [cert, key], print);
  // The owner is known by then where there is one: this host has no database.
  if (options.owner === undefined && ownUser().uid === 0)
    print(
      `they belong to root; the server reads them as its own user: chown mysql ${shellQuote(key)}, on the node`,
    );
}

function printLines(name: string, caFile: string, { dir, nodeDir }: IssueOptions, print: Print): void {
  const files = filesOf(name, dir);
  const there = (path: string): string => pathOnNode(path, nodeDir);
  print('');
  const lines = optionLines({ name, ca: there(caFile), cert: there(files.cert), key: there(files.key) });
  for (const line of lines) print(line);
}

function sayWritten(issued: IssuedCertificate, paths: readonly string[], print: Print): void {
  const { subject, notAfter, keyType } = readFacts(issued.certPem);
  print(
    `wrote ${paths.join(' and ')}: ${subject}, ${keyType}, valid until ${notAfter.toISOString().slice(0, 10)}`,
  );
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}
