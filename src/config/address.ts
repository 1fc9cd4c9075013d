import { isIP } from 'node:net';
import { TransferError } from '../errors.js';

/** Where a joiner listens and a donor connects to. */
export interface PeerAddress {
  /** Host name or IP address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly family: 'ip4' | 'ip6' | 'name';
  /** What follows the first `/`, for a donor: the joiner's module. */
  readonly module?: string | undefined;
}

/** The port that Galera's SST methods use when the address names none. */
export const defaultPort = 4444;

/**
 * Reads `host`, `host:port`, `[v6]`, `[v6]:port`, each with an optional `/module`, and a bare IPv6 address.
 * Anything but host characters is refused: `ADDRESS_INVALID`.
 */
export function parseAddress(text: string, what: string): PeerAddress {
  const slash = text.indexOf('/');
  const place = slash === -1 ? text : text.slice(0, slash);
  const module = slash === -1 ? undefined : text.slice(slash + 1);
  if (module !== undefined && !/^[A-Za-z0-9._/-]*$/.test(module)) {
    throw new TransferError(
      'ADDRESS_INVALID',
      `${what}: module ${quote(module)} has characters other than A-Z a-z 0-9 . _ -`,
    );
  }
  if (/^\[?[0-9A-Fa-f:.]+%[A-Za-z0-9._-]+(\](:\d*)?)?$/.test(place)) throw withZone(what, text);
  if (isIp6(place)) return { host: place, port: defaultPort, family: 'ip6', module };
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/s.exec(place);
  if (match === null) throw invalid(what, text);
  const [, bracketed, plain, port] = match;
  const host = bracketed ?? plain ?? '';
  if (host === '') throw invalid(what, text);
  if (bracketed !== undefined && !isIp6(bracketed)) throw invalid(what, text);
  if (bracketed === undefined && !isHostName(host)) throw invalid(what, text);
  const family = isIp6(host) ? 'ip6' : isIP(host) === 4 ? 'ip4' : 'name';
  return {
    host,
    port: port === undefined || port === '' ? defaultPort : parsePort(port, what),
    family,
    module,
  };
}

/** `host:port` or `[v6]:port`. */
export function formatAddress(address: Pick<PeerAddress, 'host' | 'port' | 'family'>): string {
  return address.family === 'ip6' ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** Whether the text may stand where a host name is expected; labels may have underscores, as container names do. */
export function isHostName(text: string): boolean {
  if (isIP(text) === 4) return true;
  return (
    text.length <= 253 && /^(?!-)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$/.test(text) && !/^[\d.]+$/.test(text)
  );
}

function isIp6(text: string): boolean {
  return /^[0-9A-Fa-f:.]+$/.test(text) && isIP(text) === 6;
}

function parsePort(text: string, what: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port >= 1 && port <= 65535)) {
    throw new TransferError(
      'ADDRESS_INVALID',
      `${what}: port ${quote(text)} is not a number from 1 to 65535`,
    );
  }
  return port;
}

/** A zone (`fe80::1%eth0`) names an interface of this host, and the donor's server takes no `%` (10.11.19). */
function withZone(what: string, text: string): TransferError {
  return new TransferError(
    'ADDRESS_INVALID',
    `${what} ${quote(text)} has a zone (%), which means nothing on another host`,
    {
      hint: 'set wsrep_sst_receive_address or bind_address to an address without a zone, or a host name; ip -br address lists them',
    },
  );
}

function invalid(what: string, text: string): TransferError {
  return new TransferError(
    'ADDRESS_INVALID',
    `${what} ${quote(text)} is neither a host name nor an IP address (IPv6 in brackets)`,
  );
}

function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
