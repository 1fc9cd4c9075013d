import type { Compressor, Config } from '../config/config.js';
import { placeOf } from '../config/source.js';
import { sampleData, type Compressibility } from '../datadir/compressibility.js';
import type { Files } from '../datadir/file-table.js';
import { totalSize, type InventoryFile } from '../datadir/inventory.js';
import type { Layout } from '../datadir/layout.js';
import { asTransferError, type Finding } from '../errors.js';
import type { TransferContext } from './context.js';
import type { Courier } from './courier.js';
import type { Answer } from './messages.js';

/** Less than this is sent before a measurement has paid. */
const leastBytes = 128 * 1024 * 1024;
/** Data that shrinks less than this is compressed or encrypted already, or gains too little for what the measurement of the link costs. */
const worstRatio = 0.7;
/** Data that shrinks to so little, as small tables do, is compressed in less time than it would take to encrypt and send it, over any link. */
const bestRatio = 0.1;
/**
 * Where the offer has travelled as fast, in bytes per second, lz4 takes the place of zstd for such data: it leaves
 * twice as much to send, in 0.9 of the processors' time (1.4 GB of small tables: 57 MB and 28 MB; rsync 3.5.0, lz4 1.9.4, zstd 1.5.4), which
 * pays from some 90 MB/s on; so short a message does not get as fast as a stream.
 */
const lz4Link = 40e6;
/**
 * Where a message travels faster than that, in bytes per second, the link may not be what holds a copy up: with both nodes on two processors
 * and no limit between them it has travelled at 91 to 148 MB/s (rsync 3.5.0, socat 1.7.4.4), and to compress in addition made copies slower.
 */
const fastLink = 60e6;
/** What compression has to gain before a donor's processors are spent on it. */
const leastGain = 1.25;
/** zstd's fastest level against zlib's is 3, and half of the processors are busy with TLS and rsync (zstd 1.5.4, rsync 3.5.0). */
const zstdAgainstSample = 1.5;

/** What compression has to do with: all of it measured. */
export interface Measured {
  readonly data: Compressibility;
  /** Bytes per second that reach the joiner. */
  readonly linkBytesPerSecond: number;
  /** What the link carries at least, as the offer has shown, in bytes per second. */
  readonly offerBytesPerSecond: number;
  /** Both sides can compress with lz4, too. */
  readonly hasLz4: boolean;
  /** Processors that can compress at once. */
  readonly processors: number;
}

/** A donor's rsync clients with the compressor that they are to use, if any. */
export interface Compressing {
  readonly config: Config;
  readonly layout: Layout;
  readonly answer: Pick<Answer, 'compressors'>;
  /** What rsync on this side can compress with. */
  readonly own: readonly Compressor[];
  readonly courier: Pick<Courier, 'sendSign' | 'sendProbe' | 'offerBytesPerSecond'>;
  readonly files: Files<InventoryFile>;
}

/** Decides with what the streams of a transfer are compressed; undefined: not at all. Says why in the log. */
export async function chooseCompressor(
  compressing: Compressing,
  context: Pick<TransferContext, 'emit' | 'rate' | 'signal'>,
): Promise<Compressor | undefined> {
  const { config, files } = compressing;
  if (config.compressor === 'none') return undefined;
  const isSet = config.sources.compressor !== undefined;
  // What nobody has asked for is told only where it could change something.
  if (!isSet && !isMeasured(config, files)) return undefined;
  const wanted = config.compressor === 'auto' ? 'zstd' : config.compressor;
  const lack = whoLacks(wanted, compressing);
  if (lack !== undefined) {
    if (isSet) context.emit({ kind: 'finding', finding: { ...lack, where: whereSet(config) } });
    return undefined;
  }
  if (config.compressor !== 'auto') return wanted;
  const { choice, reason } = await measureAndChoose(compressing, context);
  context.emit({ kind: 'notice', text: `compressor=auto: ${reason}` });
  return choice;
}

/** Whether `auto` looks at data and link before it decides. */
export function isMeasured(
  { compressor }: Pick<Config, 'compressor'>,
  files: Files<Pick<InventoryFile, 'size'>>,
): boolean {
  return compressor === 'auto' && totalSize(files) >= leastBytes;
}

/**
 * With what the streams would be compressed for a joiner whose rsync knows the same compressors, and what would be said of it;
 * what `auto` finds out from link and data is not known.
 */
export function expectCompressor(
  config: Config,
  own: readonly Compressor[],
): { readonly compressor: Compressor | undefined; readonly findings: readonly Finding[] } {
  const wanted = config.compressor;
  if (wanted === 'none' || wanted === 'auto') return { compressor: undefined, findings: [] };
  const lack = whoLacks(wanted, { own, answer: { compressors: own } });
  return lack === undefined
    ? { compressor: wanted, findings: [] }
    : { compressor: undefined, findings: [{ ...lack, where: whereSet(config) }] };
}

/** Both sides' rsync must know the compressor; without it the copy is as good, only slower. */
function whoLacks(
  wanted: Compressor,
  { own, answer }: Pick<Compressing, 'own' | 'answer'>,
): Finding | undefined {
  const side = !own.includes(wanted)
    ? 'here'
    : !answer.compressors.includes(wanted)
      ? 'on the joiner'
      : undefined;
  if (side === undefined) return undefined;
  return {
    severity: 'warning',
    code: 'TOOL_TOO_OLD',
    message: `rsync ${side} cannot compress with ${wanted}: the files are sent uncompressed`,
    option: 'compressor',
    hint: 'rsync 3.2.3 or newer, built with that compressor, is needed on both nodes (rsync --version)',
  };
}

function whereSet({ sources }: Config): string | undefined {
  const source = sources.compressor;
  return source === undefined ? undefined : placeOf(source);
}

interface Choice {
  readonly choice: Compressor | undefined;
  readonly reason: string;
}

async function measureAndChoose(
  compressing: Compressing,
  { rate, signal }: Pick<TransferContext, 'rate' | 'signal'>,
): Promise<Choice> {
  const { config, layout, courier, files } = compressing;
  if (!isMeasured(config, files))
    return { choice: undefined, reason: `no compression for as little as ${totalSize(files)} bytes` };
  const data = await sampleData(layout, files);
  if (data === undefined) return { choice: undefined, reason: 'no compression: no file could be sampled' };
  const limit = rate === undefined || rate.bytesPerSecond === 0 ? Infinity : rate.bytesPerSecond;
  const known = {
    data,
    offerBytesPerSecond: Math.min(courier.offerBytesPerSecond(), limit),
    hasLz4: whoLacks('lz4', compressing) === undefined,
  };
  // For data that does not shrink, or to next to nothing, the link need not be measured.
  if (data.ratio > worstRatio || data.ratio <= bestRatio)
    return judge({ ...known, linkBytesPerSecond: 0, processors: 0 });
  try {
    const linkBytesPerSecond = await measureLink(courier, limit);
    return judge({ ...known, linkBytesPerSecond, processors: config.streams });
  } catch (error) {
    signal.throwIfAborted();
    // There may be no room for a message of that size; whether the joiner can be reached the streams will show.
    const { message } = asTransferError(error);
    return { choice: undefined, reason: `no compression: the link could not be measured: ${message}` };
  }
}

/** Compresses where that is clearly faster: where next to nothing is left, or given how fast the link is and how fast the processors would compress. */
export function judge({
  data,
  linkBytesPerSecond,
  offerBytesPerSecond,
  hasLz4,
  processors,
}: Measured): Choice {
  const shrinks = `a sample of the data shrinks to ${data.ratio.toFixed(2)}`;
  if (data.ratio > worstRatio) return { choice: undefined, reason: `no compression: ${shrinks}` };
  if (data.ratio <= bestRatio) {
    if (!hasLz4 || offerBytesPerSecond < lz4Link) return { choice: 'zstd', reason: `zstd: ${shrinks}` };
    const carries = `the offer has travelled at ${mega(offerBytesPerSecond)} MB/s`;
    return { choice: 'lz4', reason: `lz4: ${shrinks}, and ${carries}` };
  }
  if (linkBytesPerSecond >= fastLink)
    return {
      choice: undefined,
      reason: `no compression: ${shrinks}, and the link carries ${mega(linkBytesPerSecond)} MB/s`,
    };
  const sentCompressed = Math.min(
    linkBytesPerSecond / data.ratio,
    data.bytesPerSecond * zstdAgainstSample * processors,
  );
  const compared = `${shrinks}, the link carries ${mega(linkBytesPerSecond)} MB/s uncompressed and would ${mega(sentCompressed)} MB/s compressed`;
  return sentCompressed < leastGain * linkBytesPerSecond
    ? { choice: undefined, reason: `no compression: ${compared}` }
    : { choice: 'zstd', reason: `zstd: ${compared}` };
}

const mega = (bytes: number): string => (bytes / 1e6).toFixed(0);

const mebi = 1024 * 1024;
/** A slow link is known after the first; on a fast one that takes no longer than the connection itself. */
const probeBytes = [2 * mebi, 32 * mebi];
/** Longer than connections differ in. */
const tellingSeconds = 0.3;

/** Bytes per second through a tunnel, at most `limit`, from how much longer a message takes that has them than one that has none. */
async function measureLink(courier: Compressing['courier'], limit: number): Promise<number> {
  const emptySeconds = await secondsOf(() => courier.sendSign());
  let rate = Infinity;
  try {
    for (const bytes of probeBytes) {
      const seconds = (await secondsOf(() => courier.sendProbe(bytes))) - emptySeconds;
      rate = bytes / Math.max(seconds, 0.001);
      if (seconds > tellingSeconds || rate >= Math.min(limit, 2 * fastLink)) break;
    }
  } finally {
    // One that is empty takes the place of the last one, and nobody waits for it.
    courier.sendProbe(0).catch(() => undefined);
  }
  return Math.min(rate, limit);
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}
