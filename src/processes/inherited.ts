import { closeSync, readdirSync, readlinkSync } from 'node:fs';

/**
 * Closes what the server has left open for its script beside stdout: both ends of the pipe in which it reads the script's lines (10.11.19).
 * Children would inherit them, and the server waits until the last one has closed them, even if the script has long been killed.
 */
export function closeServersPipe(): void {
  try {
    const pipe = linkOf('1');
    if (!pipe.startsWith('pipe:')) return;
    for (const descriptor of readdirSync('/proc/self/fd')) {
      if (Number(descriptor) > 2 && isSame(descriptor, pipe)) closeSync(Number(descriptor));
    }
  } catch {
    // Without /proc they stay open; the script's children end with it, unless they are stopped.
  }
}

function isSame(descriptor: string, pipe: string): boolean {
  try {
    return linkOf(descriptor) === pipe;
  } catch {
    // The one that the directory was read with.
    return false;
  }
}

function linkOf(descriptor: string): string {
  return readlinkSync(`/proc/self/fd/${descriptor}`);
}
