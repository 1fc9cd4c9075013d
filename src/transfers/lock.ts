import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { TransferError } from '../errors.js';
import type { TransferContext } from './context.js';
import { serverAnswers } from './own-files.js';
import { parseState } from './state.js';
import { delay } from './wait.js';
import { withSignsOfLife, type SignsOfLife } from './signs-of-life.js';

/** The server looks whether its tables are flushed in between other things: more often than this would not be sooner. */
const lookEveryMs = 10;

/**
 * Asks the server for its global read lock and waits until it holds it; gives the state at that moment. The server
 * answers with a file: `tables_flushed`, which it writes twice (10.11.19: complete once it contains a colon), or
 * `sst_error`. Whatever goes wrong, the server is told to let its writers go on.
 */
export async function takeLock(
  dataDir: string,
  context: TransferContext,
  signs: SignsOfLife,
): Promise<string> {
  const flushed = join(dataDir, serverAnswers.flushed);
  const failed = join(dataDir, serverAnswers.failed);
  rmSync(flushed, { force: true });
  rmSync(failed, { force: true });
  context.emit({ kind: 'phase', phase: 'waiting for lock' });
  context.say({ kind: 'flush tables' });
  try {
    return await withSignsOfLife(signs, context.signal, (signal) =>
      untilFlushed(flushed, failed, { ...context, signal }),
    );
  } catch (error) {
    // It may hold the lock already, or get it right now, and must not keep it until the joiner has been told why. One
    // that could not flush no longer listens (10.11.19).
    if (!(error instanceof TransferError && error.code === 'FLUSH_FAILED')) context.say({ kind: 'continue' });
    throw error;
  }
}

async function untilFlushed(flushed: string, failed: string, context: TransferContext): Promise<string> {
  for (;;) {
    if (existsSync(failed)) {
      rmSync(failed, { force: true });
      throw new TransferError(
        'FLUSH_FAILED',
        'the server could not flush its tables and take the global read lock',
      );
    }
    const text = readIfThere(flushed);
    if (text?.includes(':') === true) {
      rmSync(flushed, { force: true });
      context.emit({ kind: 'lock', held: true });
      return parseState(text.split('\n')[0] ?? '', flushed);
    }
    await delay(lookEveryMs, context.signal);
  }
}

/** Lets the server write again. */
export function releaseLock(dataDir: string, context: TransferContext): void {
  // The second of the server's two writes may have come after the file was read and removed (10.11.19).
  rmSync(join(dataDir, serverAnswers.flushed), { force: true });
  context.say({ kind: 'continue' });
  context.emit({ kind: 'lock', held: false });
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
