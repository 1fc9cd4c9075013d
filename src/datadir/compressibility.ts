import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { errnoOf } from '../errors.js';
import type { Files } from './file-table.js';
import { totalSize, type InventoryFile } from './inventory.js';
import { rootOf, type Layout } from './layout.js';

/** What a sample of the data has shown. */
export interface Compressibility {
  /** Bytes that were looked at. */
  readonly sampled: number;
  /** Compressed size in proportion to the data's. */
  readonly ratio: number;
  /** Bytes of data that one core compresses in a second with the algorithm of the sample, zlib's at its fastest. */
  readonly bytesPerSecond: number;
}

const sampleCount = 16;
/** A page of InnoDB's. */
const sampleBytes = 16_384;

/**
 * Compresses samples from all over the files, large ones by their size more often; 256 KiB, some 5 ms. Undefined where nothing could
 * be read: files may change and vanish meanwhile.
 */
export async function sampleData(
  layout: Layout,
  files: Files<InventoryFile>,
): Promise<Compressibility | undefined> {
  let sampled = 0;
  let compressed = 0;
  let microseconds = 0;
  for (const { file, offset } of samplePlaces(files, sampleCount)) {
    const data = await readPart(join(rootOf(layout, file.place) ?? '', file.path), offset);
    if (data === undefined || data.length === 0) continue;
    // Its own processor time: what others do at this moment says little of the time that a copy takes.
    const before = process.cpuUsage();
    compressed += deflateRawSync(data, { level: 1 }).length;
    const { user, system } = process.cpuUsage(before);
    microseconds += user + system;
    sampled += data.length;
  }
  if (sampled === 0) return undefined;
  return {
    sampled,
    ratio: compressed / sampled,
    bytesPerSecond: sampled / (Math.max(1, microseconds) / 1e6),
  };
}

/** So many places at equal distances over the bytes of all files, one after the other. */
export function samplePlaces(
  files: Files<InventoryFile>,
  count: number,
): { readonly file: InventoryFile; readonly offset: number }[] {
  const distance = totalSize(files) / count;
  if (distance === 0) return [];
  const places: { file: InventoryFile; offset: number }[] = [];
  let before = 0;
  for (const file of files) {
    for (let at = distance * (places.length + 0.5); at < before + file.size; at += distance)
      places.push({ file, offset: Math.floor(at - before) });
    before += file.size;
  }
  return places;
}

async function readPart(path: string, offset: number): Promise<Buffer | undefined> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(sampleBytes), 0, sampleBytes, offset);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errnoOf(error) !== undefined) return undefined;
    throw error;
  }
}
