import { resolve } from 'node:path';
import type { TransferEvent } from '../events.js';
import { parseArguments } from '../sst-script/arguments.js';

/**
 * What is known of a transfer before its configuration is read, so that one whose configuration is wrong is shown and
 * kept too. What cannot be read stays empty: the transfer itself then says what is wrong.
 */
export function asRequested(
  id: string,
  version: string,
  argv: readonly string[],
  directory: string,
): Extract<TransferEvent, { kind: 'started' }> {
  try {
    const { role, address, direct } = parseArguments(argv);
    const dataDir = direct.get('datadir');
    const absolute = dataDir === undefined ? '' : resolve(directory, dataDir);
    return { kind: 'started', id, role, version, address, dataDir: absolute };
  } catch {
    return { kind: 'started', id, role: 'joiner', version, address: '', dataDir: '' };
  }
}
