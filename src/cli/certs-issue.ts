import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { authorityFiles, openAuthority, type Authority } from '../certificates/authority.js';
import { certificatesOf, readGivenFile } from '../certificates/certificate-file.js';
import { findChain, isSame } from '../certificates/chain.js';
import { readFacts, type CertificateFacts } from '../certificates/facts.js';
import {
  issueCa,
  issueCertificate,
  selfSigned,
  type CertificateRequest,
  type IssuedCertificate,
} from '../certificates/issue.js';
import { optionLines, pathOnNode } from '../certificates/option-lines.js';
import { writeFiles, type Writing } from '../certificates/write-files.js';
import { TransferError } from '../errors.js';
import { shellQuote } from '../shell-quote.js';
import { currentTime, ownUser } from '../surroundings.js';
import { filesOf, parseName, parseNode, type NodeName } from './certs-names.js';

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

export type Print = (line: string) => void;

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
  const dir = shellQuote(resolve(options.dir));
  const existsHint = existsSync(at(authorityFiles.key))
    ? `galera-sst-tunnel certs renew ca --dir ${dir} prolongs that CA; --force puts another one in its place, which makes every certificate that it has issued invalid`
    : `name another directory with --dir: --force would replace a certificate that this node may trust others by (galera-sst-tunnel certs show ${shellQuote(at(authorityFiles.cert))})`;
  writeFiles(files, { isForced: options.isForced, existsHint });
  sayWritten(ca, [at(authorityFiles.cert), at(authorityFiles.key)], print);
  print(`keep ${at(authorityFiles.key)} in a safe place: no node needs it`);
  const file = pathOnNode(at(authorityFiles.cert), options.nodeDir);
  for (const line of ['', '# on every node', '[sst]', `tca=${file}`, '', '[mysqld]', `ssl_ca=${file}`])
    print(line);
}

/** `certs issue NODE`: a certificate signed by the CA, with the intermediate CAs between it and the root. */
export async function issueNode(
  node: string,
  san: readonly string[],
  options: IssueOptions,
  print: Print,
): Promise<void> {
  const name = parseNode(node);
  const request = requestFor(name, san, options);
  const authority = openAuthority(resolve(options.caDir ?? options.dir));
  refuseOutliving(authority, options.days ?? 365);
  const issued = await issueCertificate({ ...request, ca: authority.pair });
  const { intermediates, certFile } = authority;
  writeNode(name.value, withIntermediates(issued, intermediates), options, print);
  const ca = resolve(options.dir, authorityFiles.cert);
  if (!existsSync(ca)) {
    const { isForced, owner } = options;
    const text = inFile(certFile)
      .map(({ pem }) => pem)
      .join('');
    writeFiles([{ path: ca, text, mode: 0o644 }], { isForced, owner });
  }
  for (const line of lacking(ca, readFacts(issued.certPem), authority)) print(line);
  printLines(name.value, ca, options, print);
}

function withIntermediates(
  { certPem, keyPem }: IssuedCertificate,
  intermediates: readonly CertificateFacts[],
): IssuedCertificate {
  return { certPem: certPem + intermediates.map(({ pem }) => pem).join(''), keyPem };
}

/** A directory may have the certificate of another CA, or of the one before; and that of an intermediate CA is no root. */
function lacking(ca: string, leaf: CertificateFacts, authority: Authority): readonly string[] {
  const { facts, intermediates, certFile } = authority;
  const trusted = inFile(ca);
  const bundle = (more: string): string =>
    `  galera-sst-tunnel certs bundle --force ${[ca, ca, more].map(shellQuote).join(' ')}`;
  if (facts.selfIssued) {
    if (trusted.some((one) => isSame(one, facts))) return [];
    return [
      `${ca} does not hold the CA that has issued this certificate. To have it in there, too:`,
      bundle(certFile),
    ];
  }
  if (findChain(leaf, intermediates, trusted, currentTime()).kind === 'complete') return [];
  return [
    `${ca} does not hold the root above ${JSON.stringify(facts.subject)}, and without it nobody accepts this certificate. To have it in there, too:`,
    bundle('ROOT.crt'),
  ];
}

function inFile(file: string): readonly CertificateFacts[] {
  return certificatesOf(readGivenFile(file), { kind: 'command line', name: file });
}

/** `certs self-signed NODE`: a certificate that is its own CA; a `tca` holds those of all nodes. */
export async function selfSignNode(
  node: string,
  san: readonly string[],
  options: IssueOptions,
  print: Print,
): Promise<void> {
  const name = parseNode(node);
  const issued = await selfSigned(requestFor(name, san, options));
  const all = resolve(options.dir, 'all.crt');
  writeNode(name.value, issued, options, print);
  printLines(name.value, all, options, print);
  print('');
  print(`# ${all} is to hold the certificates of all nodes; with them in one place:`);
  print(`#   galera-sst-tunnel certs bundle ${shellQuote(all)} *.crt`);
}

function requestFor(
  node: NodeName,
  san: readonly string[],
  { keyType, days }: IssueOptions,
): CertificateRequest {
  const names = [node, ...san.map(parseName)];
  const ofKind = (wanted: NodeName['kind']): readonly string[] => [
    ...new Set(names.filter(({ kind }) => kind === wanted).map(({ value }) => value)),
  ];
  return {
    commonName: node.value,
    dnsNames: ofKind('DNS'),
    ipAddresses: ofKind('IP'),
    keyType,
    days: days ?? 365,
  };
}

/** Peers refuse a certificate whose CA has expired, whatever it says of itself. */
export function refuseOutliving({ facts: ca, certFile }: Authority, days: number): void {
  if (ca.notAfter.getTime() > currentTime().getTime() + days * 86_400_000) return;
  throw new TransferError(
    'CERTIFICATE_EXPIRES_SOON',
    `the CA ${JSON.stringify(ca.subject)} expires on ${ca.notAfter.toISOString()}, before a certificate of ${days} days would`,
    {
      hint: `renew that CA first (galera-sst-tunnel certs renew ca --dir ${shellQuote(dirname(certFile))}), or ask for fewer --days`,
    },
  );
}

function writeNode(node: string, issued: IssuedCertificate, options: IssueOptions, print: Print): void {
  const { cert, key } = filesOf(node, options.dir);
  const { caDir } = options;
  const elsewhere = caDir === undefined ? '' : ` --ca-dir ${shellQuote(resolve(caDir))}`;
  const existsHint = `galera-sst-tunnel certs renew ${shellQuote(node)} --dir ${shellQuote(resolve(options.dir))}${elsewhere} prolongs what is there; --force puts a new key and certificate in its place`;
  const files = [
    { path: key, text: issued.keyPem, mode: 0o600 },
    { path: cert, text: issued.certPem, mode: 0o644 },
  ];
  writeFiles(files, { ...options, existsHint });
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

export function sayWritten(issued: IssuedCertificate, paths: readonly string[], print: Print): void {
  const { subject, notAfter, keyType } = readFacts(issued.certPem);
  print(
    `wrote ${paths.join(' and ')}: ${subject}, ${keyType}, valid until ${notAfter.toISOString().slice(0, 10)}`,
  );
}
