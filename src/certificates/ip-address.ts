import { isIP, SocketAddress } from 'node:net';

/**
 * An IP address as RFC 5952 writes it (`fd00::1`), from any spelling and also from `[fd00::1]`; undefined
 * when the text is no IP address. A zone (`%eth0`) is dropped: certificates know none.
 */
export function canonicalIp(text: string): string | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '');
  const version = isIP(bare);
  if (version === 0) return undefined;
  return new SocketAddress({ address: bare, family: version === 4 ? 'ipv4' : 'ipv6' }).address;
}
