import { isIPv6 } from 'node:net';
import type { PeerAddress } from '../config/address.js';
import type { SocketOptions, TlsSettings } from '../config/tls.js';
import { escapeSocatValue } from './socat-escape.js';

/** The files that a socat is given; the identity may be a private copy in another order than the administrator's. */
export interface TunnelFiles {
  readonly certFile: string;
  /** Absent when certFile holds the key too. */
  readonly keyFile?: string | undefined;
  readonly caFile?: string | undefined;
  readonly caPath?: string | undefined;
}

/**
 * socat's own options, on both sides. `-b`: with blocks of 256 KiB the same TLS copy takes 0.75 of the CPU of the
 * default 8 KiB (socat 1.7.4.4). `-t 0`: when rsync has closed its side it has said all; without it every connection
 * ends half a second late. `-d -d` makes the listener say when it listens and who connects.
 */
const blockSize = '262144';
export const listenerOptions: readonly string[] = ['-d', '-d', '-t', '0', '-b', blockSize];
export const clientOptions: readonly string[] = ['-t', '0', '-b', blockSize];

/** Where a joiner listens: one address of this host, all IPv4 ones, or all of both families. */
export type Bind =
  { readonly kind: 'address'; readonly address: string } | { readonly kind: 'all IPv4' | 'all' };

/** `OPENSSL-LISTEN:…`, on one local address where it is known to be local. */
export function listenAddress(
  { port }: PeerAddress,
  bind: Bind,
  tls: TlsSettings,
  files: TunnelFiles,
): string {
  const own = [
    ...bindOptions(bind),
    'reuseaddr',
    'fork',
    // Without it each turn of rsync's conversation waits 40 ms for a delayed acknowledgement.
    'nodelay',
    ...tlsOptions(tls, files),
  ];
  return [`OPENSSL-LISTEN:${port}`, ...withSocketOptions(own, tls.sockopt)].join(',');
}

/** socat listens on IPv4 unless told otherwise (1.7.4.4). */
function bindOptions(bind: Bind): string[] {
  switch (bind.kind) {
    case 'address':
      return isIPv6(bind.address.replace(/%.*$/, ''))
        ? ['pf=ip6', `bind=[${bind.address}]`]
        : [`bind=${bind.address}`];
    case 'all IPv4':
      return [];
    case 'all':
      return ['pf=ip6', 'ipv6only=0'];
  }
}

/** `OPENSSL:…`, pinned to the name that the handshake before the lock has seen. */
export function connectAddress(
  address: PeerAddress,
  pin: string | undefined,
  tls: TlsSettings,
  files: TunnelFiles,
): string {
  const own = [
    ...(address.family === 'ip6' ? ['pf=ip6'] : []),
    'nodelay',
    ...tlsOptions(tls, files),
    ...(pin === undefined ? ['commonname=', 'no-sni=1'] : [`commonname=${escapeSocatValue(pin)}`]),
  ];
  const host = address.family === 'ip6' ? `[${address.host}]` : address.host;
  return [`OPENSSL:${host}:${address.port}`, ...withSocketOptions(own, tls.sockopt)].join(',');
}

/** socat fails on most options that are given twice (1.7.4.4): where `sockopt` has one of ours, it counts alone. */
function withSocketOptions(own: readonly string[], { options }: SocketOptions): string[] {
  const given = new Set(options.map(plainName));
  return [...own.filter((option) => !given.has(plainName(option))), ...options];
}

/** The name of a socat option in its shortest form. */
function plainName(option: string): string {
  const name = (option.split('=')[0] ?? '').toLowerCase();
  if (name === 'protocol-family') return 'pf';
  return name.replace(/^(openssl|tcp|so)-/, '');
}

function tlsOptions(tls: TlsSettings, files: TunnelFiles): string[] {
  return [
    `cert=${escapeSocatValue(files.certFile)}`,
    ...(files.keyFile === undefined ? [] : [`key=${escapeSocatValue(files.keyFile)}`]),
    ...(files.caFile === undefined ? [] : [`cafile=${escapeSocatValue(files.caFile)}`]),
    ...(files.caPath === undefined ? [] : [`capath=${escapeSocatValue(files.caPath)}`]),
    `verify=${tls.mode === 'REQUIRED' ? 0 : 1}`,
  ];
}
