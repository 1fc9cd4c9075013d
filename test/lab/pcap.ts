interface Segment {
  sequence: number;
  data: Buffer;
}

const linkTypes: Record<number, { header: number; type: number }> = {
  1: { header: 14, type: 12 },
  113: { header: 16, type: 14 },
  276: { header: 20, type: 0 },
};

/**
 * The TCP payload of a pcap file by flow (`address|port address|port`, one for each direction), in the order
 * of sequence numbers; what was sent twice is there once. Understands Ethernet and Linux "any" captures.
 */
export function readStreams(pcap: Buffer): Map<string, Buffer> {
  const flows = new Map<string, Segment[]>();
  const link = linkTypes[pcap.readUInt32LE(20)];
  if (link === undefined) throw new Error(`unknown link type ${pcap.readUInt32LE(20)} in the capture`);
  for (let at = 24; at + 16 <= pcap.length;) {
    const length = pcap.readUInt32LE(at + 8);
    addPacket(flows, pcap.subarray(at + 16, at + 16 + length), link);
    at += 16 + length;
  }
  return new Map([...flows].map(([flow, segments]) => [flow, join(segments)]));
}

function addPacket(
  flows: Map<string, Segment[]>,
  frame: Buffer,
  link: { header: number; type: number },
): void {
  if (frame.length < link.header + 20) return;
  const kind = frame.readUInt16BE(link.type);
  const ip = frame.subarray(link.header);
  const parsed = kind === 0x0800 ? ipv4(ip) : kind === 0x86dd ? ipv6(ip) : undefined;
  if (parsed === undefined || parsed.tcp.length < 20) return;
  const { tcp, source, target } = parsed;
  const data = tcp.subarray((tcp[12]! >> 4) * 4);
  if (data.length === 0) return;
  const flow = `${source}|${tcp.readUInt16BE(0)} ${target}|${tcp.readUInt16BE(2)}`;
  let segments = flows.get(flow);
  if (segments === undefined) flows.set(flow, (segments = []));
  segments.push({ sequence: tcp.readUInt32BE(4), data });
}

interface Parsed {
  source: string;
  target: string;
  tcp: Buffer;
}

function ipv4(ip: Buffer): Parsed | undefined {
  if (ip[9] !== 6) return undefined;
  // With segmentation offload the length field can be 0: then everything that was captured counts.
  const end = ip.readUInt16BE(2) || ip.length;
  const tcp = ip.subarray((ip[0]! & 15) * 4, end);
  return { source: ip.subarray(12, 16).join('.'), target: ip.subarray(16, 20).join('.'), tcp };
}

function ipv6(ip: Buffer): Parsed | undefined {
  if (ip[6] !== 6) return undefined;
  const length = ip.readUInt16BE(4);
  const tcp = ip.subarray(40, length === 0 ? ip.length : 40 + length);
  return { source: ip.toString('hex', 8, 24), target: ip.toString('hex', 24, 40), tcp };
}

/** A port used twice for the same flow joins two connections: the second starts far from the first. */
function join(segments: readonly Segment[]): Buffer {
  const first = segments[0]!.sequence;
  const placed = segments
    .map(({ sequence, data }) => ({ offset: (sequence - first) | 0, data }))
    .sort((a, b) => a.offset - b.offset);
  const pieces: Buffer[] = [];
  let end = placed[0]!.offset;
  for (const { offset, data } of placed) {
    if (offset + data.length <= end) continue;
    pieces.push(data.subarray(Math.max(0, end - offset)));
    end = offset + data.length;
  }
  return Buffer.concat(pieces);
}
