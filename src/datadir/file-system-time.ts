import { statSync, utimesSync } from 'node:fs';
import { currentTime } from '../surroundings.js';

/** ext2 to ext4, XFS, btrfs, ZFS, bcachefs, F2FS, JFS, tmpfs: the kernel that writes gives files its own time. */
const localTypes: ReadonlySet<number> = new Set([
  ...[0xef53, 0x58465342, 0x9123683e, 0x2fc12fc1],
  ...[0xca451a4e, 0xf2f52010, 0x3153464a, 0x01021994],
]);

/** Whether this host's clock is certain to give files their times on a file system, by its number in statfs(2). */
export function hasHostClock(type: number): boolean {
  return localTypes.has(type);
}

/**
 * What time it is, ms since 1970, for the file system of `file`, which belongs to this process: on a network file system the
 * server's clock gives files their times. Never later than this host's clock, which alone counts without a file.
 */
export function fileSystemTime(file: string | undefined, now: Date = currentTime()): number {
  if (file === undefined) return now.getTime();
  utimesSync(file, now, now);
  return Math.min(statSync(file).ctimeMs, now.getTime());
}
