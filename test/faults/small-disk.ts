import { mkdirSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runSync, sleepSync, succeeds } from '../lab/commands.js';
import { giveToServer } from '../lab/template.js';

/** A file system of its own in a file, mounted through a loop device: it can be filled, and break. */
export class SmallDisk {
  #isMounted = false;

  constructor(
    readonly folder: string,
    private readonly image: string,
    private readonly bytes: number,
  ) {
    this.#make();
  }

  /** Leaves no room but a MB or so, while others write. */
  fill(): void {
    mkdirSync(this.#ballast(), { recursive: true });
    for (let number = 0; number < 50; number++) {
      const { bavail, bsize } = statfsSync(this.folder);
      if (bavail * bsize < 1e6) return;
      succeeds([
        'fallocate',
        '-l',
        String(Math.ceil(bavail * bsize * 0.7)),
        join(this.#ballast(), `${number}`),
      ]);
    }
  }

  empty(): void {
    rmSync(this.#ballast(), { recursive: true, force: true });
  }

  /** What ext4 does when its disk fails (`errors=remount-ro`): from now on everything is EROFS. */
  breakDown(): void {
    const device = basename(runSync(['findmnt', '-no', 'SOURCE', this.folder]).trim());
    writeFileSync(`/sys/fs/ext4/${device}/trigger_fs_error`, '1');
  }

  /** Puts an empty one in its place. */
  replace(): void {
    this.#unmount();
    this.#make();
  }

  remove(): void {
    if (this.#isMounted) this.#unmount();
  }

  #ballast(): string {
    return join(this.folder, 'ballast');
  }

  #make(): void {
    rmSync(this.image, { force: true });
    writeFileSync(this.image, '');
    truncateSync(this.image, this.bytes);
    runSync(['mkfs.ext4', '-q', '-m', '0', '-O', '^has_journal', this.image]);
    runSync(['mount', '-o', 'loop,errors=remount-ro', this.image, this.folder]);
    this.#isMounted = true;
    giveToServer(this.folder);
  }

  #unmount(): void {
    // What was killed a moment ago may still be on its way out; a broken file system that is in use comes back broken.
    for (let attempt = 0; attempt < 50 && !succeeds(['umount', this.folder]); attempt++) sleepSync(100);
    if (succeeds(['mountpoint', '-q', this.folder])) runSync(['umount', '--lazy', this.folder]);
    this.#isMounted = false;
  }
}
