import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { canonicalIp } from '../certificates/ip-address.js';
import type { Config } from '../config/config.js';
import { placeOf } from '../config/source.js';
import type { Finding } from '../errors.js';
import { mayListenOn } from '../processes/privileges.js';

/** Where a joiner listens, and what is to be said about it. */
export interface ListeningPlace {
  /** The address to bind to; undefined for all of IPv4's, `::` for all of both families'. */
  readonly bind: string | undefined;
  readonly findings: readonly Finding[];
}

/**
 * The address to bind to: the effective one if it belongs to this host. Behind address translation it does not, and
 * then the joiner listens on all addresses, as the server's own methods do, and warns. `::` stands for all of both
 * families: for a name that has addresses of both the donor may try either.
 */
export async function whereToListen(config: Config): Promise<ListeningPlace> {
  const { host, family, port } = config.address;
  const found = family === 'name' ? await resolve(host, config) : [host];
  const here = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const findings = mayListenOn(port) ? [] : [portForbidden(port)];
  // What the donor may come to of both families, as far as it is known here.
  const all = found.some(isIPv6) && hasIp6() ? '::' : undefined;
  // A name may stand for 127.0.1.1 in this host's own hosts file, and for another address in the donor's.
  if (family === 'name' && found.some(isLoopback)) return { bind: all, findings };
  const local = found.filter(
    (address) => isLoopback(address) || here.some((one) => isSame(one.address, address)),
  );
  if (local.length === 0) return { bind: all, findings: [...findings, notLocal(config, found)] };
  return { bind: local.some(isIPv6) && local.some(isIPv4) ? all : local[0], findings };
}

/** An IPv6 address has many spellings: `FD00::1`, `fd00:0::1`. */
const isSame = (one: string, other: string): boolean => canonicalIp(one) === canonicalIp(other);

/** A kernel may be told to do without IPv6 (ipv6.disable=1), and names have such addresses all the same. */
const hasIp6 = (): boolean => existsSync('/proc/net/if_inet6');

const isLoopback = (address: string): boolean => address.startsWith('127.') || isSame(address, '::1');

async function resolve(host: string, config: Config): Promise<readonly string[]> {
  try {
    const family = config.tls.sockopt.family ?? 0;
    return (await lookup(host, { family, all: true })).map(({ address }) => address);
  } catch {
    return [];
  }
}

function notLocal({ address: { host }, addressBy }: Config, found: readonly string[]): Finding {
  const isName = found[0] !== host;
  const why = !isName
    ? 'is no address of this host'
    : found.length === 0
      ? 'cannot be resolved on this host'
      : `stands for ${found.join(', ')}, which is no address of this host`;
  return {
    severity: 'warning',
    code: 'ADDRESS_NOT_LOCAL',
    message: `the effective address ${JSON.stringify(host)} ${why}: the joiner listens on all addresses`,
    option: addressBy?.name,
    where: addressBy === undefined ? undefined : placeOf(addressBy),
  };
}

function portForbidden(port: number): Finding {
  return {
    severity: 'error',
    code: 'PORT_FORBIDDEN',
    message: `this user may not listen on port ${port}`,
  };
}
