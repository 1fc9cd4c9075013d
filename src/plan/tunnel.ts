import type { PeerAddress } from '../config/address.js';
import type { TlsSettings } from '../config/tls.js';
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

/** `OPENSSL-LISTEN:…`, on one local address where it is known to be local, else on all. */
export function listenAddress(
  address: PeerAddress,
  bind: string | undefined,
  tls: TlsSettings,
  files: TunnelFiles,
): string {
  return [
    `OPENSSL-LISTEN:${address.port}`,
    ...(address.family === 'ip6' ? ['pf=ip6'] : []),
    ...(bind === undefined ? [] : [`bind=${address.family === 'ip6' ? `[${bind}]` : bind}`]),
    'reuseaddr',
    'fork',
    // Without it each turn of rsync's conversation waits 40 ms for a delayed acknowledgement.
    'nodelay',
    ...tlsOptions(tls, files),
    ...tls.sockopt.options,
  ].join(',');
}

/** `OPENSSL:…`, pinned to the name that the handshake before the lock has seen. */
export function connectAddress(
  address: PeerAddress,
  pin: string | undefined,
  tls: TlsSettings,
  files: TunnelFiles,
): string {
  return [
    `OPENSSL:${address.family === 'ip6' ? `[${address.host}]` : address.host}:${address.port}`,
    ...(address.family === 'ip6' ? ['pf=ip6'] : []),
    'nodelay',
    ...tlsOptions(tls, files),
    ...(pin === undefined ? ['commonname=', 'no-sni=1'] : [`commonname=${escapeSocatValue(pin)}`]),
    ...tls.sockopt.options,
  ].join(',');
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
