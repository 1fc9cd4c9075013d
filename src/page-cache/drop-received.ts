import { setTimeout as wait } from 'node:timers/promises';
import { nameOf, openFiles } from '../processes/proc.js';
import { findReceivers } from '../processes/receivers.js';
import { openAdviser } from './advise.js';
import { ReceivedFiles } from './received-files.js';

/** How often to look what has come, in ms: at a GB a second some 200 MB stay in memory until then. */
const lookEveryMs = 200;

/**
 * A program of its own, since where a disk is busy the kernel lets it wait: has the files that come to a listener leave the page cache. Reads
 * their paths from standard input, each ended by a NUL, and works until the listener ends, or until somebody ends it.
 */
async function main(listener: string | undefined): Promise<void> {
  const pid = Number(listener);
  if (!Number.isSafeInteger(pid) || pid <= 0) throw new Error('expected the pid of a listener');
  const giveUp = openAdviser();
  const files = new ReceivedFiles(await readPaths(), giveUp);
  while (nameOf(pid) !== undefined) {
    const writers = findReceivers(pid).map((receiver) => ({
      pid: receiver.pid,
      open: openFiles(receiver.pid),
    }));
    files.look(writers, performance.now());
    await wait(lookEveryMs);
  }
}

async function readPaths(): Promise<readonly string[]> {
  let text = '';
  for await (const part of process.stdin.setEncoding('utf8')) text += String(part);
  return text.split('\0').slice(0, -1);
}

main(process.argv[2]).catch((error: unknown) => {
  process.stderr.write(
    `the page cache is left alone: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = 1;
});
