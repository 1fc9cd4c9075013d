import { readFileSync } from 'node:fs';

/** CAP_NET_BIND_SERVICE (capabilities(7)): the right to listen on a privileged port. */
const netBindService = 10n;

/** Whether the kernel lets this process, and what it starts, listen on a TCP port. */
export function mayListenOn(port: number): boolean {
  const firstFree = Number(read('/proc/sys/net/ipv4/ip_unprivileged_port_start') ?? '1024');
  if (port >= firstFree) return true;
  return hasCapability(read('/proc/self/status') ?? '', netBindService);
}

/** Reads the effective capabilities from the text of /proc/PID/status; those that it does not tell are not there. */
export function hasCapability(status: string, number: bigint): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> number) & 1n) === 1n;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
