import { networkInterfaces } from 'node:os';
import { isHostName } from './address.js';
import { find, type Settings } from './settings.js';
import type { Sourced } from './source.js';

const server = ['server arguments', '[mysqld]'] as const;
const wildcards = new Set(['', '*', '0.0.0.0', '::', '[::]', '::0']);

/**
 * The address that the server would give to its joiner (MariaDB 10.11.19): `wsrep_sst_receive_address`, else
 * `wsrep_node_address` without its port, else `bind_address` unless it means any, else the host's first address.
 */
export function receiveAddress(settings: Settings): Sourced<string> {
  const given = (name: string): Sourced<string> | undefined => {
    const setting = find(settings, name, server);
    return setting === undefined || setting.value.trim() === ''
      ? undefined
      : { ...setting, value: setting.value.trim() };
  };
  const receive = given('wsrep-sst-receive-address');
  if (receive !== undefined && receive.value.toUpperCase() !== 'AUTO') return receive;
  const node = given('wsrep-node-address');
  if (node !== undefined) return { ...node, value: withoutPort(node.value) };
  const bound = given('bind-address');
  const first = bound?.value.split(',')[0]?.trim() ?? '';
  if (bound !== undefined && !wildcards.has(first)) return { ...bound, value: inBrackets(first) };
  return { value: firstAddress(), source: { kind: 'default', name: 'wsrep-sst-receive-address' } };
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
