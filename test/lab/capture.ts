import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { readStreams } from './pcap.js';
import type { LabNode } from './node.js';

export interface Capture {
  readonly file: string;
  /** Ends the capture and returns the file; rejects when the kernel dropped packets. */
  stop: () => Promise<string>;
}

/** Records every packet at a node's cable (or another interface) until stopped; resolves when it records. */
export async function capture(
  node: LabNode,
  options: { interface?: string; filter?: string } = {},
): Promise<Capture> {
  const { filter = '' } = options;
  const file = join(node.directory, `capture-${Date.now()}.pcap`);
  const device = options.interface ?? (node.namespace === undefined ? 'lo' : 'eth0');
  // On lo each packet passes twice, out and in; what the kernel's own filter leaves out takes no place in the buffer.
  const once = device === 'lo' ? ['inbound'] : [];
  const expression = [...once, ...(filter === '' ? [] : [`(${filter})`])].join(' and ');
  const argv = [
    'tcpdump',
    '-Z',
    'root',
    '-n',
    // KiB: what a busy machine's tcpdump is behind.
    '-B',
    '262144',
    '-s',
    '0',
    '-i',
    device,
    '-w',
    file,
  ];
  const child = node.spawn([...argv, ...(expression === '' ? [] : [expression])], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let messages = '';
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      messages += text;
      if (messages.includes('listening on')) resolve();
    });
    child.once('close', () => reject(new Error(`tcpdump ended: ${messages}`)));
  });
  const stop = async (): Promise<string> => {
    // The kernel hands packets on by full blocks, or after a second (libpcap 1.10): what came last would be lost with SIGINT.
    await wait(1500);
    child.kill('SIGINT');
    await ended;
    const dropped = Number(/(\d+) packets? dropped by kernel/.exec(messages)?.[1] ?? 0);
    if (dropped > 0) throw new Error(`the capture lacks ${dropped} packets`);
    return file;
  };
  return { file, stop };
}

/** Which of these texts or bytes crossed the wire in clear, also when packets cut them in two. */
export function searchCapture(file: string, needles: readonly (string | Buffer)[]): string[] {
  const streams = [...readStreams(readFileSync(file)).values()];
  return needles.filter((needle) => streams.some((stream) => stream.includes(needle))).map(String);
}

/** The TCP ports that carried data (of each connection the lower, its server’s), with the bytes of both directions. */
export function portsWithData(file: string): Map<number, number> {
  const bytes = new Map<number, number>();
  for (const [flow, stream] of readStreams(readFileSync(file))) {
    const { source, target } = portsOf(flow);
    const port = Math.min(source, target);
    bytes.set(port, (bytes.get(port) ?? 0) + stream.length);
  }
  return bytes;
}

function portsOf(flow: string): { source: number; target: number } {
  const [source, target] = flow.split(' ').map((end) => Number(end.slice(end.lastIndexOf('|') + 1)));
  return { source: source!, target: target! };
}
