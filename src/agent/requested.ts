import { resolve } from 'node:path';
import { Refusal } from '../control/refusal.js';
import type { TransferEvent } from '../events.js';
import { parseArguments } from '../sst-script/arguments.js';

/** In bytes: no path is longer (PATH_MAX), and no address that a server makes. */
const longest = 4096;

/**
 * What is known of a transfer before its configuration is read, so that one whose configuration is wrong is shown and
 * kept too. What cannot be read stays empty: the transfer itself then says what is wrong.
 * @throws Refusal MALFORMED for what is too long to be kept and shown.
 */
export function asRequested(
  id: string,
  version: string,
  argv: readonly string[],
  directory: string,
): Extract<TransferEvent, { kind: 'started' }> {
  const { role, address, dataDir } = read(argv, directory);
  for (const [name, text] of [
    ['--address', address],
    ['--datadir', dataDir],
  ] as const) {
    if (Buffer.byteLength(text) > longest)
      throw new Refusal('MALFORMED', `/argv: expected ${name} to have at most ${longest} bytes`);
  }
  return { kind: 'started', id, role, version, address, dataDir };
}

function read(
  argv: readonly string[],
  directory: string,
): { readonly role: 'joiner' | 'donor'; readonly address: string; readonly dataDir: string } {
  try {
    const { role, address, direct } = parseArguments(argv);
    const dataDir = direct.get('datadir');
    return { role, address, dataDir: dataDir === undefined ? '' : resolve(directory, dataDir) };
  } catch {
    return { role: 'joiner', address: '', dataDir: '' };
  }
}
