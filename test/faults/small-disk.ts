import { rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runSync, succeeds } from '../lab/commands.js';
import { giveToServer } from '../lab/template.js';

/** A file system of its own in a file, mounted through a loop device: it can be filled, and break. */
export class SmallDisk {
  #isMounted = false;

  constructor(
    readonly folder: string,
    private readonly image: string,
    bytes: number,
  ) {
    writeFileSync(image, '');
    truncateSync(image, bytes);
    runSync(['mkfs.ext4', '-q', '-m', '0', '-O', '^has_journal', image]);
    this.#mount();
  }

  /** Leaves no room but a few KiB. */
  fill(): void {
    const { bavail, bsize } = statfsSync(this.folder);
    runSync(['fallocate', '-l', String(Math.max(1, bavail * bsize - 65_536)), this.#ballast()]);
  }

  empty(): void {
    rmSync(this.#ballast(), { force: true });
  }

  /** What ext4 does when its disk fails (`errors=remount-ro`): from now on everything is EROFS. */
  breakDown(): void {
    const device = basename(runSync(['findmnt', '-no', 'SOURCE', this.folder]).trim());
    writeFileSync(`/sys/fs/ext4/${device}/trigger_fs_error`, '1');
  }

  /** Mounts it anew; nothing may use it. */
  repair(): void {
    this.#unmount();
    // Ends with 1 when it has corrected something.
    succeeds(['e2fsck', '-fy', this.image]);
    this.#mount();
  }

  remove(): void {
    if (this.#isMounted) this.#unmount();
  }

  #ballast(): string {
    return join(this.folder, 'ballast');
  }

  #mount(): void {
    runSync(['mount', '-o', 'loop,errors=remount-ro', this.image, this.folder]);
    this.#isMounted = true;
    giveToServer(this.folder);
  }

  #unmount(): void {
    if (!succeeds(['umount', this.folder])) runSync(['umount', '--lazy', this.folder]);
    this.#isMounted = false;
  }
}
