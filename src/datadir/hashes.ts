import { createHash } from 'node:crypto';
import { createReadStream, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileFailure } from '../errors.js';
import { mayBeSpared, mayDiffer, SentFiles } from './changes.js';
import { mayDifferIn } from './compare.js';
import { FileTable, plainFile, type FileList, type FileName } from './file-table.js';
import type { Inventory, InventoryFile } from './inventory.js';
import { rootOf, type Layout } from './layout.js';
import type { Manifest, ManifestFile } from './manifest.js';

/** SHA-256 of a file's contents, hexadecimal. @param onRead is told of each piece, in bytes */
async function hashFile(
  path: string,
  signal: AbortSignal,
  onRead: (bytes: number) => void = () => undefined,
): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      // Its own reason; a stream that is given the signal fails with an AbortError.
      signal.throwIfAborted();
      hash.update(chunk as Buffer);
      onRead((chunk as Buffer).length);
    }
  } catch (thrown) {
    throw fileFailure(thrown, { path, use: 'read' }) ?? thrown;
  }
  return hash.digest('hex');
}

function pathOf(layout: Layout, { place, path }: FileName): string {
  return join(rootOf(layout, place) ?? layout.roots.data, path);
}

/** An inventory that has its hashes already, and what of the next one may have changed since. */
export interface HashedBefore {
  readonly inventory: Inventory;
  readonly changed: FileList<InventoryFile>;
}

/** A donor's hashes: taken while its server writes, and under the lock again only of what may have changed since. */
export class DonorHashes {
  private readonly known = new SentFiles();

  constructor(private readonly layout: Layout) {}

  /** Before the lock. */
  async takeAhead(look: Inventory, signal: AbortSignal): Promise<void> {
    for (const file of look.files) {
      if (!mayBeSpared(file, look)) continue;
      try {
        const hash = await hashFile(pathOf(this.layout, file), signal);
        this.known.set({ ...plainFile(file), hash }, look);
      } catch {
        // It has vanished; whatever cannot be read at all shows under the lock.
        signal.throwIfAborted();
      }
    }
  }

  /** Those taken until now are not believed any more. */
  doubt(): void {
    this.known.doubt();
  }

  /**
   * Under the lock: the inventory with the hash of every file, but for one that has vanished since.
   */
  async complete(inventory: Inventory, signal: AbortSignal, before?: HashedBefore): Promise<Inventory> {
    const files = new FileTable<InventoryFile>();
    for (const file of inventory.files) {
      const known = this.known.get(file);
      const ahead = mayDiffer(file, known) ? undefined : known?.file.hash;
      const earlier =
        before?.changed.has(file) === false ? before.inventory.files.find(file)?.hash : undefined;
      files.add({ ...plainFile(file), hash: ahead ?? earlier ?? (await this.#hashIfThere(file, signal)) });
    }
    return { ...inventory, files };
  }

  async #hashIfThere(file: InventoryFile, signal: AbortSignal): Promise<string | undefined> {
    const path = pathOf(this.layout, file);
    try {
      return await hashFile(path, signal);
    } catch (thrown) {
      signal.throwIfAborted();
      // Only where it certainly is not there.
      if (statSync(path, { throwIfNoEntry: false }) !== undefined) throw thrown;
      return undefined;
    }
  }
}

/** An inventory with the hashes that the same files have in another. */
export function withHashesOf(hashed: Inventory, inventory: Inventory): Inventory {
  const files = new FileTable<InventoryFile>();
  for (const file of inventory.files) files.add({ ...plainFile(file), hash: hashed.files.find(file)?.hash });
  return { ...inventory, files };
}

/**
 * Reads back what a joiner has and gives the files whose contents are not the donor's. They are removed: by size and time they
 * would pass for complete when the next transfer goes on here.
 * @param onRead is told of each piece that was read, in bytes
 */
export async function removeDiffering(
  layout: Layout,
  { files, writtenUnderLock }: Pick<Manifest, 'files' | 'writtenUnderLock'>,
  signal: AbortSignal,
  onRead?: (bytes: number) => void,
): Promise<readonly ManifestFile[]> {
  const mayBeOther = mayDifferIn({ writtenUnderLock });
  const differing: ManifestFile[] = [];
  for (const file of files) {
    if (file.hash === undefined || rootOf(layout, file.place) === undefined || mayBeOther(file)) continue;
    if ((await hashFile(pathOf(layout, file), signal, onRead)) !== file.hash) differing.push(file);
  }
  for (const file of differing) rmSync(pathOf(layout, file), { force: true });
  return differing;
}
