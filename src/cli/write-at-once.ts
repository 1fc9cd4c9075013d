import { writeSync } from 'node:fs';

/** How long to wait for a pipe that is full, in ms, before it is tried again. */
const patienceMs = 5;

/**
 * Writes a line at once: what is said must have been said before the next step, and also when the process is about to
 * end. `onGone` is called when nobody reads it.
 * @param write as `fs.writeSync`
 */
export function writeAtOnce(descriptor: 1 | 2, line: string, onGone: () => void, write = writeSync): void {
  let rest = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(write(descriptor, rest));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code !== 'EAGAIN') {
        onGone();
        return;
      }
      // A pipe that is full for a moment: its reader is the server.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, patienceMs);
    }
  }
}
