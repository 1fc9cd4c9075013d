import { TransferError } from '../errors.js';
import { looksSame } from './changes.js';
import { FileTable, type FileList, type FileName } from './file-table.js';
import { totalSize, type InventoryFile } from './inventory.js';
import { strayBinlog, type Manifest } from './manifest.js';

/** A donor's manifest, before it is text. */
type OwnManifest = Manifest & { readonly files: FileList<InventoryFile> };

/** What a joiner has got that it does not know from the offer. */
export interface SentSince {
  /** What was sent in any pass but the first: the joiner must look at it once more, whatever it looks like at the donor. */
  readonly again: FileList<InventoryFile>;
  /** What was sent in any pass, and had not been offered. */
  readonly unoffered: FileList<InventoryFile>;
}

/**
 * What of a final manifest a joiner does not know from the offer: files that are new, look different or were sent more than once, and
 * those that were offered and are gone. Of very many files, nearly all are none of these, and need be neither told nor compared again.
 * Where something was sent that had not been offered and is gone, it may lie at the joiner, with directories of its own: then the whole
 * manifest, with which everything is compared.
 */
export function changesSince(
  offered: FileList<InventoryFile>,
  manifest: OwnManifest,
  sent: SentSince,
): Manifest {
  const { files } = manifest;
  for (const file of sent.unoffered) if (!files.has(file)) return manifest;
  let known = 0;
  const changed = files.filter((file) => {
    const before = offered.find(file);
    if (before !== undefined) known += 1;
    return before === undefined || !looksSame(file, before) || sent.again.has(file);
  });
  const gone = known === offered.length ? [] : [...offered.filter((file) => !files.has(file))];
  const sinceOffer = { files: files.length, bytes: totalSize(files) };
  return { ...manifest, files: changed, gone, sinceOffer };
}

/** The whole that a donor means: what it offered, with what has changed since. @throws TransferError PEER_PROTOCOL. */
export function withChanges(offer: Manifest, changes: Manifest): Manifest {
  const { gone = [], sinceOffer, ...rest } = changes;
  if (sinceOffer === undefined) return changes;
  const goneNames = new FileTable<FileName & { readonly size: number }>();
  for (const file of gone) goneNames.put({ ...file, size: 0 });
  const files = new FileTable<InventoryFile>();
  for (const file of offer.files) if (!goneNames.has(file)) files.add(file as InventoryFile);
  for (const file of changes.files) files.put(file as InventoryFile);
  const whole = { ...rest, files };
  const bytes = totalSize(files);
  if (files.length !== sinceOffer.files || bytes !== sinceOffer.bytes) {
    const text = `the manifest and the offer together have ${files.length} files with ${bytes} bytes, expected ${sinceOffer.files} with ${sinceOffer.bytes}`;
    throw new TransferError('PEER_PROTOCOL', text);
  }
  const stray = strayBinlog(whole);
  if (stray !== undefined)
    throw new TransferError('PEER_PROTOCOL', `the manifest names a binary log that is not there: ${stray}`);
  return whole;
}
