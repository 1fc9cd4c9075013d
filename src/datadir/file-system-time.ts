import { statSync, utimesSync } from 'node:fs';
import { currentTime } from '../surroundings.js';

/**
 * What time it is, ms since 1970, for the file system of `file`, which belongs to this process: on a network file system the
 * server's clock gives files their times. Never later than this host's clock, which alone counts without a file.
 */
export function fileSystemTime(file: string | undefined, now: Date = currentTime()): number {
  if (file === undefined) return now.getTime();
  utimesSync(file, now, now);
  return Math.min(statSync(file).ctimeMs, now.getTime());
}
