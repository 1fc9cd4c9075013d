import { networkInterfaces } from 'node:os';
import { isHostName } from './address.js';
import { find, type Settings } from './settings.js';

const server = ['server arguments', '[mysqld]'] as const;
const wildcards = new Set(['', '*', '0.0.0.0', '::', '[::]', '::0']);

/**
 * The address that the server would give to its joiner (MariaDB 10.11.19): `wsrep_sst_receive_address`, else
 * `wsrep_node_address` without its port, else `bind_address` unless it means any, else the host's first address.
 */
export function receiveAddress(settings: Settings): string {
  const given = (name: string): string => find(settings, name, server)?.value.trim() ?? '';
  const receive = given('wsrep-sst-receive-address');
  if (receive !== '' && receive.toUpperCase() !== 'AUTO') return receive;
  const node = withoutPort(given('wsrep-node-address'));
  if (node !== '') return node;
  const bound = given('bind-address').split(',')[0]?.trim() ?? '';
  if (!wildcards.has(bound)) return inBrackets(bound);
  return firstAddress();
}

function withoutPort(address: string): string {
  if (/^\[.*\]/.test(address)) return address.slice(0, address.indexOf(']') + 1);
  const [host, port, more] = address.split(':');
  return port !== undefined && more === undefined ? (host ?? '') : inBrackets(address);
}

function inBrackets(address: string): string {
  return address.includes(':') && !address.startsWith('[') && !isHostName(address) ? `[${address}]` : address;
}

function firstAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outer = all.filter(({ internal }) => !internal);
  const chosen = outer.find(({ family }) => family === 'IPv4') ?? outer[0];
  return chosen === undefined ? '127.0.0.1' : inBrackets(chosen.address);
}
