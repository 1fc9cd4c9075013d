import { hostname } from 'node:os';
import type { Config } from '../config/config.js';
import { takeInventory } from '../datadir/inventory.js';
import { resolveLayout } from '../datadir/layout.js';
import { findingOf, type Finding } from '../errors.js';
import { refuseExternalTables } from './donate.js';
import { findNotFiles } from './not-files.js';

/** What a donor would have to send, and what keeps it from sending that. */
export interface CheckedCopy {
  /** Undefined where the files could not be listed. */
  readonly size?: { readonly files: number; readonly bytes: number };
  readonly findings: readonly Finding[];
}

/** Lists the files that this node would send as a donor, and looks at them as it would before its lock. Never throws. */
export async function checkCopy(config: Config): Promise<CheckedCopy> {
  try {
    const layout = resolveLayout(config.directories, hostname());
    const inventory = await takeInventory(layout, { maxBinlogs: config.maxBinlogs });
    const { files, bytes } = inventory;
    const size = { files: files.length, bytes };
    try {
      refuseExternalTables(inventory);
      return { size, findings: findNotFiles(inventory) };
    } catch (error) {
      return { size, findings: [findingOf(error), ...findNotFiles(inventory)] };
    }
  } catch (error) {
    return { findings: [findingOf(error)] };
  }
}
