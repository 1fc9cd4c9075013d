import { hostname } from 'node:os';
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { findHeld, nothingHeld, openedSince, type Held } from '../datadir/held.js';
import type { Layout } from '../datadir/layout.js';
import type { Manifest } from '../datadir/manifest.js';
import type { EmitEvent } from '../events.js';
import { bootId } from '../processes/proc.js';
import { readBrokenTransfer } from './partial-copy.js';

/**
 * Tells a donor from all others. After a new start of its host it is another one: a crash may have taken back the times of
 * files whose contents had reached the disk.
 */
export function donorIdOf({ roots }: Layout): string {
  const { dev, ino } = statSync(roots.data);
  return createHash('sha256')
    .update(JSON.stringify([hostname(), bootId(), roots.data, dev, ino]))
    .digest('hex');
}

/** What a joiner has of the offer since an earlier transfer broke. */
export function takeStock(layout: Layout, offer: Manifest, emit: EmitEvent): Held {
  const broken = readBrokenTransfer(layout.roots.data);
  if (broken === undefined) return nothingHeld;
  const held = findHeld(layout, offer, broken);
  const opened = openedSince(layout, broken);
  if (opened !== undefined) {
    const text = `a server has opened this data directory since the last transfer broke (${opened}): nothing in it is believed, tables are compared by content`;
    emit({ kind: 'notice', text });
    return { complete: [], completeBytes: 0, similar: [...held.complete, ...held.similar] };
  }
  const text = `going on where the last transfer broke: ${held.complete.length} files need not be sent again, ${held.similar.length} are compared by content`;
  emit({ kind: 'notice', text });
  return held;
}
