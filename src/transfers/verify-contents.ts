import { mayDifferIn } from '../datadir/compare.js';
import { removeDiffering } from '../datadir/hashes.js';
import type { Manifest } from '../datadir/manifest.js';
import { TransferError } from '../errors.js';
import type { Conversation } from './reception.js';

/**
 * Compares the contents of every file with what the donor has read, where the joiner is told to: under the donor's lock, or before it of
 * what looks unchanged then. `onRead` is told of bytes.
 */
export async function verifyContents(
  { config, layout, signal, emit }: Conversation,
  manifest: Manifest,
  onRead: (bytes: number) => void,
): Promise<void> {
  if (config.verify !== 'checksum') return;
  for (const { hash } of manifest.files) {
    if (hash !== undefined) continue;
    const text = "the donor's version sends no checksums, which verify=checksum asks for";
    throw new TransferError('PEER_PROTOCOL', text, { option: 'verify' });
  }
  const differing = await removeDiffering(layout, manifest, signal, onRead);
  if (differing.length > 0) {
    const names = differing.slice(0, 5).map(({ path }) => JSON.stringify(path));
    const text = `the contents of ${differing.length} files are not the donor's: ${names.join(', ')}`;
    throw new TransferError('COPY_INCOMPLETE', text);
  }
  const mayBeOther = mayDifferIn(manifest);
  let compared = 0;
  for (const file of manifest.files) if (!mayBeOther(file)) compared += 1;
  emit({ kind: 'notice', text: `the contents of ${compared} files are the donor's (SHA-256)` });
}
