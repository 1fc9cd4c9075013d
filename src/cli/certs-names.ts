import { existsSync, readdirSync } from 'node:fs';
import { isIP } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import { canonicalIp } from '../certificates/ip-address.js';
import { isHostName } from '../config/address.js';
import { TransferError } from '../errors.js';

/** What a certificate is for, as it stands in it. */
export interface NodeName {
  readonly kind: 'DNS' | 'IP';
  readonly value: string;
}

/** The files of a node, by its name in any spelling or by the path of its certificate. */
export function filesOf(name: string, dir: string): { readonly cert: string; readonly key: string } {
  if (name.endsWith('.crt') && existsSync(name)) {
    const cert = resolve(name);
    return { cert, key: cert.replace(/\.crt$/, '.key') };
  }
  const value = readName(name)?.value ?? name;
  const base = join(resolve(dir), value.replaceAll('*', '_').replaceAll(':', '_'));
  return { cert: `${base}.crt`, key: `${base}.key` };
}

/** Files of these names hold something else: the CA, and the certificates of all nodes. */
const taken = new Set(['ca', 'all']);

/** What renewals have kept of a certificate's file: `FILE.old`, `FILE.old.1` … */
export function keptFiles(file: string): readonly string[] {
  const dir = dirname(file);
  if (!existsSync(dir)) return [];
  const start = `${basename(file)}.old`;
  return readdirSync(dir)
    .filter((name) => name.startsWith(start) && /^(\.\d+)?$/.test(name.slice(start.length)))
    .map((name) => join(dir, name));
}

/** The name of a node, after which its files are called. @throws TransferError ARGUMENT_INVALID */
export function parseNode(text: string): NodeName {
  const name = parseName(text);
  if (!taken.has(name.value.toLowerCase())) return name;
  throw new TransferError(
    'ARGUMENT_INVALID',
    `a node cannot be called ${JSON.stringify(text)} here: ${name.value}.crt holds something else`,
    { hint: `name it by its whole name, ${name.value}.my.cluster, and ${text} with --san` },
  );
}

/** `node1.my.cluster`, `*.my.cluster`, `10.0.0.1`, `DNS:…`, `IP:…`. @throws TransferError ARGUMENT_INVALID */
export function parseName(text: string): NodeName {
  const name = readName(text);
  if (name !== undefined) return name;
  const hasZone = text.includes('%') && canonicalIp(text.replace(/^IP:/i, '')) !== undefined;
  throw new TransferError(
    'ARGUMENT_INVALID',
    hasZone
      ? `${JSON.stringify(text)} has a zone (%), which means nothing on another host`
      : `${JSON.stringify(text)} is neither a host name nor an IP address`,
    {
      hint: 'name what other nodes connect to: node1.my.cluster, or 10.0.0.1; more of them with --san',
    },
  );
}

function readName(text: string): NodeName | undefined {
  const [, prefix, value = ''] = /^(?:(DNS|IP):)?(.*)$/i.exec(text) ?? [];
  const wanted = prefix?.toUpperCase();
  if (isIP(value) !== 0) {
    const address = value.includes('%') || wanted === 'DNS' ? undefined : canonicalIp(value);
    return address === undefined ? undefined : { kind: 'IP', value: address };
  }
  // Who connects leaves out the dot at the end, and programs compare names letter by letter.
  const name = value.replace(/\.$/, '');
  return wanted !== 'IP' && isHostName(name.replace(/^\*\./, '')) ? { kind: 'DNS', value: name } : undefined;
}
