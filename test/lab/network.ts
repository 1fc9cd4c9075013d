import { mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostname } from 'node:os';
import { runSync, succeeds } from './commands.js';

export type Family = 4 | 6;

/** Where one node lives in the network. `namespace` is undefined on the host's loopback. */
export interface Place {
  number: number;
  namespace: string | undefined;
  /** Its name; on loopback, where nobody would resolve one, its address. */
  host: string;
  ipv4: string;
  ipv6: string | undefined;
}

/** How a lab's nodes reach each other: namespaces around a bridge, or the host's loopback addresses. */
export interface Network {
  mode: 'namespaces' | 'loopback';
  name: string;
  places: Place[];
}

let namespacesWork: boolean | undefined;

/** Finds out, once, whether this user may make network namespaces with bridges here. */
export function canMakeNamespaces(): boolean {
  if (namespacesWork === undefined) {
    const probe = `gstprobe${process.pid}`;
    namespacesWork =
      succeeds(['ip', 'netns', 'add', probe]) &&
      succeeds(['ip', '-n', probe, 'link', 'add', 'br0', 'type', 'bridge']) &&
      succeeds(['ip', '-n', probe, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'p1']) &&
      succeeds(['ip', 'netns', 'exec', probe, 'true']);
    succeeds(['ip', 'netns', 'delete', probe]);
  }
  return namespacesWork;
}

/** Where nodes 1..count of a lab are to live. */
export function planNetwork(name: string, count: number, mode: Network['mode']): Network {
  const places = Array.from({ length: count }, (_, index): Place => {
    const number = index + 1;
    if (mode === 'loopback') {
      const ipv4 = `127.0.0.${number + 1}`;
      return { number, namespace: undefined, host: ipv4, ipv4, ipv6: undefined };
    }
    const host = `node${number}.my.cluster`;
    return {
      ...{ number, namespace: `${name}-n${number}`, host },
      ...{ ipv4: `10.99.0.${number}`, ipv6: `fd99::${number}` },
    };
  });
  return { mode, name, places };
}

/** The namespace that holds the bridge and the nodes' other cable ends. */
const bridgeOf = (network: Network): string => `${network.name}-br`;

/** Makes the namespaces, cables and hosts files of a planned network. */
export function makeNetwork(network: Network, family: Family): void {
  if (network.mode === 'loopback') return;
  const bridge = bridgeOf(network);
  runSync(['ip', 'netns', 'add', bridge]);
  batch(bridge, ['link add br0 type bridge mcast_snooping 0', 'link set br0 up', 'link set lo up']);
  for (const { number, namespace, ipv4, ipv6 } of network.places) {
    if (namespace === undefined) continue;
    runSync(['ip', 'netns', 'add', namespace]);
    batch(namespace, [
      `link add eth0 type veth peer name p${number} netns ${bridge}`,
      'link set lo up',
      // nodad: a server that binds in the first second would find the address still tentative.
      `addr add ${ipv4}/24 dev eth0`,
      `addr add ${ipv6 ?? ''}/64 dev eth0 nodad`,
      'link set eth0 up',
    ]);
    batch(bridge, [`link set p${number} master br0 up`]);
  }
  writeHosts(network, family);
}

/** Lets the nodes' names resolve to addresses of this family, also for processes that already run. */
export function writeHosts(network: Network, family: Family, extra: readonly string[] = []): void {
  const names = network.places.map((p) => `${(family === 4 ? p.ipv4 : p.ipv6) ?? p.ipv4} ${p.host}`);
  const text = ['127.0.0.1 localhost', '::1 localhost', `127.0.1.1 ${hostname()}`, ...names, ...extra, ''];
  for (const { namespace } of network.places) {
    if (namespace === undefined) continue;
    mkdirSync(join('/etc/netns', namespace), { recursive: true });
    // Written in place: `ip netns exec` binds this inode over /etc/hosts.
    writeFileSync(join('/etc/netns', namespace, 'hosts'), text.join('\n'));
  }
}

/** Pulls or plugs a node's cable at the bridge's end; at the node's end its IPv6 address would be lost. */
export function setLink(network: Network, number: number, state: 'up' | 'down'): void {
  needNamespaces(network);
  batch(bridgeOf(network), [`link set p${number} ${state}`]);
}

/** Limits a node's cable to so many Mbit/s in both directions; undefined lifts the limit. */
export function limitLink(network: Network, number: number, mbitPerSecond: number | undefined): void {
  needNamespaces(network);
  const ends = [
    { namespace: network.places[number - 1]!.namespace!, device: 'eth0' },
    { namespace: bridgeOf(network), device: `p${number}` },
  ];
  for (const { namespace, device } of ends) {
    const tc = ['tc', '-n', namespace, 'qdisc'];
    if (mbitPerSecond === undefined) succeeds([...tc, 'del', 'dev', device, 'root']);
    else {
      const rate = ['rate', `${mbitPerSecond}mbit`, 'burst', '128kb', 'latency', '100ms'];
      runSync([...tc, 'replace', 'dev', device, 'root', 'tbf', ...rate]);
    }
  }
}

/** Removes all namespaces of the lab and their folders in /etc/netns. Processes must be gone before. */
export function removeNetwork(name: string): void {
  for (const namespace of namespacesOf(name)) succeeds(['ip', 'netns', 'delete', namespace]);
  for (const folder of hostsFoldersOf(name)) rmSync(folder, { recursive: true, force: true });
  removeIfEmpty('/etc/netns');
}

/** The lab's namespaces that exist now. */
export function namespacesOf(name: string): string[] {
  return list('/run/netns').filter((entry) => entry.startsWith(`${name}-`));
}

/** The lab's folders in /etc/netns that exist now. */
export function hostsFoldersOf(name: string): string[] {
  return list('/etc/netns')
    .filter((entry) => entry.startsWith(`${name}-`))
    .map((entry) => join('/etc/netns', entry));
}

/** Removes a directory that labs share unless another lab has something in it, or is just making it. */
export function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // in use, or never made
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function batch(namespace: string, lines: readonly string[]): void {
  runSync(['ip', '-n', namespace, '-batch', '-'], `${lines.join('\n')}\n`);
}

function needNamespaces(network: Network): void {
  if (network.mode !== 'namespaces')
    throw new Error('cables need network namespaces, this lab is on loopback');
}
