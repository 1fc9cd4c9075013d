import { isIP } from 'node:net';
import type { PeerAddress } from '../config/address.js';
import { encryptedOnly } from '../config/cipher-list.js';
import { splitCiphers } from '../config/tls-limits.js';
import { socketOptionName, type TlsSettings } from '../config/tls.js';
import { escapeSocatValue } from './socat-escape.js';

/** The files that a socat is given; the identity may be a private copy in another order than the administrator's. */
export interface TunnelFiles {
  readonly certFile: string;
  /** Absent when certFile holds the key too. */
  readonly keyFile?: string | undefined;
  readonly caFile?: string | undefined;
  readonly caPath?: string | undefined;
  /** Settings for its OpenSSL in the place of the system's. */
  readonly opensslConf?: string | undefined;
}

/**
 * socat's own options. `-b`: with blocks of 256 KiB the same TLS copy takes 0.75 of the CPU of the default 8 KiB (socat
 * 1.7.4.4). `-t`: how long one side may still speak after the other has closed. The donor's rsync closes when all has
 * been said, and with the default of half a second each connection would end that much later; the joiner's daemon
 * still has its log and its post-transfer command to finish, and socat would end it with SIGTERM. `-d -d` makes the
 * listener say when it listens and who connects.
 */
const blockSize = '262144';
export const listenerOptions: readonly string[] = ['-d', '-d', '-t', '5', '-b', blockSize];
export const clientOptions: readonly string[] = ['-t', '0', '-b', blockSize];

/** The variables that a socat is given beside what all children inherit. */
export function tunnelVariables({ opensslConf }: Pick<TunnelFiles, 'opensslConf'>): Record<string, string> {
  return opensslConf === undefined ? {} : { OPENSSL_CONF: opensslConf };
}

/**
 * The end of a shell's command that tells on stderr when the program before was killed or has crashed: SIGILL to SIGSEGV, of which
 * SIGKILL is what matters. `s` is its status then. Without quotes and brackets, which are syntax in a socat address.
 */
export function tellIfKilled(program: string): string {
  return `s=$?; test $s -lt 132 || test $s -gt 139 || echo ${program} was killed with status $s >&2`;
}

/** What {@link tellIfKilled} tells, with the program and the status that the shell gives it, which is 128 and the signal. */
export const killedWords = /^(\w+) was killed with status (\d+)$/m;

/**
 * A peer that is gone without a word (power, network) is noticed within 70 s, also while no byte is due: by rsync's own
 * limit only where one is set.
 */
const keepAlive: readonly string[] = ['keepalive', 'keepidle=30', 'keepintvl=10', 'keepcnt=4'];

/**
 * Connections at a time: the donor's streams (64 at most), those of the next pass, which connect before the last one ends, and messages; and some 70
 * for whoever else can reach the port. socat (1.7.4.4) lets further ones wait; each that it serves costs a process and some 5 MB.
 */
const mostConnections = 200;

/** `OPENSSL-LISTEN:…`, on one local address where it is known to be local, else on all; `::` is all of both families. */
export function listenAddress(
  address: PeerAddress,
  bind: string | undefined,
  tls: TlsSettings,
  files: TunnelFiles,
): string {
  // A host name may stand for an IPv6 address: socat needs to be told the family for it too.
  const isIp6 = address.family === 'ip6' || (bind !== undefined && isIP(bind) === 6);
  const { commonName } = tls.sockopt;
  return [
    `OPENSSL-LISTEN:${address.port}`,
    ...withSocketOptions(tls, [
      ...(isIp6 ? ['pf=ip6'] : []),
      ...(bind === undefined ? [] : [`bind=${isIp6 ? `[${bind}]` : bind}`]),
      ...(bind === '::' ? ['ipv6only=0'] : []),
      'reuseaddr',
      'fork',
      `max-children=${mostConnections}`,
      ...keepAlive,
      // Without it each turn of rsync's conversation waits 40 ms for a delayed acknowledgement.
      'nodelay',
      ...tlsOptions(tls, files),
      ...(commonName === undefined ? [] : [`commonname=${escapeSocatValue(commonName)}`]),
    ]),
  ].join(',');
}

/**
 * Sets TCP's congestion control (`IPPROTO_TCP` and `TCP_CONGESTION` of Linux, and the name's bytes) before socat connects (1.7.4.4, 1.8.0.3):
 * once a connection was made with BBR the kernel keeps sending it by the clock (6.18), and what `setsockopt` sets comes later.
 */
const setCongestion = (algorithm: string): string =>
  `setsockopt-listen=6:13:x${Buffer.from(algorithm).toString('hex')}`;

/**
 * `OPENSSL:…`, pinned to the name that the handshake before the lock has seen.
 * @param congestion TCP's congestion control, where it is to be neither the system's nor what `sockopt` sets
 */
export function connectAddress(
  address: PeerAddress,
  pin: string | undefined,
  tls: TlsSettings,
  files: TunnelFiles,
  congestion?: string,
): string {
  const name = pin ?? tls.sockopt.commonName;
  return [
    `OPENSSL:${address.family === 'ip6' ? `[${address.host}]` : address.host}:${address.port}`,
    ...(congestion === undefined ? [] : [setCongestion(congestion)]),
    ...withSocketOptions(tls, [
      ...(address.family === 'ip6' ? ['pf=ip6'] : []),
      ...keepAlive,
      'nodelay',
      ...tlsOptions(tls, files),
      ...(name === undefined || name === ''
        ? ['commonname=', 'no-sni=1']
        : [`commonname=${escapeSocatValue(name)}`]),
    ]),
  ].join(',');
}

/** Where `sockopt` has an option of ours its value counts: socat gives up on some options that come twice (1.7.4.4). */
function withSocketOptions(tls: TlsSettings, ours: readonly string[]): readonly string[] {
  const theirs = new Set(tls.sockopt.options.map(socketOptionName));
  return [
    ...ours.filter((option) => !theirs.has(socketOptionName(option))),
    ...tls.sockopt.options.map(withSafeCiphers),
  ];
}

function withSafeCiphers(option: string): string {
  const [, name, list] = /^([^=]+)=(.+)$/.exec(option) ?? [];
  if (name === undefined || list === undefined || socketOptionName(name) !== 'cipher') return option;
  return `${name}=${escapeSocatValue(encryptedOnly(list))}`;
}

function tlsOptions(tls: TlsSettings, files: TunnelFiles): string[] {
  return [
    `cert=${escapeSocatValue(files.certFile)}`,
    ...(files.keyFile === undefined ? [] : [`key=${escapeSocatValue(files.keyFile)}`]),
    ...(files.caFile === undefined ? [] : [`cafile=${escapeSocatValue(files.caFile)}`]),
    ...(files.caPath === undefined ? [] : [`capath=${escapeSocatValue(files.caPath)}`]),
    ...limits(tls),
    `verify=${tls.mode === 'REQUIRED' ? 0 : 1}`,
  ];
}

/** socat (1.7.4.4, 1.8) has no option for the ciphers of TLS 1.3. */
function limits({ versions, ciphers }: TlsSettings): string[] {
  const older = ciphers === undefined ? '' : splitCiphers(ciphers.value).older;
  return [
    ...(versions === undefined
      ? []
      : [
          `openssl-min-proto-version=${versions.value.min.replace('v', '')}`,
          `openssl-max-proto-version=${versions.value.max.replace('v', '')}`,
        ]),
    ...(older === '' ? [] : [`cipher=${escapeSocatValue(encryptedOnly(older))}`]),
  ];
}
