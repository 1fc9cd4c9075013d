import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runSync } from '../lab/commands.js';

/** How each file system is made; without a command nothing need be made. */
const makers = {
  ext4: ['mkfs.ext4', '-q', '-F'],
  xfs: ['mkfs.xfs', '-q'],
  // Inodes of 128 bytes have no room for more than whole seconds.
  'ext3 with times of whole seconds': ['mkfs.ext3', '-q', '-F', '-I', '128'],
  tmpfs: undefined,
} as const;

export type FileSystemKind = keyof typeof makers;
export const fileSystemKinds = Object.keys(makers) as FileSystemKind[];

/** A file system in a file of its own, or in memory. */
export interface MountedFileSystem {
  readonly folder: string;
  unmount(): void;
}

/** Makes and mounts one; undefined where this host has no program to make it with. Needs root. */
export function mountFileSystem(kind: FileSystemKind): MountedFileSystem | undefined {
  const base = mkdtempSync(join(tmpdir(), 'mounted-'));
  // Servers run as a user of their own.
  chmodSync(base, 0o755);
  const folder = join(base, 'mount');
  mkdirSync(folder);
  const make = makers[kind];
  if (make === undefined) runSync(['mount', '-t', 'tmpfs', '-o', 'size=3G,mode=755', 'tmpfs', folder]);
  else {
    const [program, ...options] = make;
    if (!['/sbin', '/usr/sbin'].some((bin) => existsSync(join(bin, program)))) {
      rmSync(base, { recursive: true });
      return undefined;
    }
    const image = join(base, 'image');
    writeFileSync(image, '');
    truncateSync(image, 3 * 1024 ** 3);
    runSync([program, ...options, image]);
    runSync(['mount', '-o', 'loop', image, folder]);
  }
  return {
    folder,
    unmount: () => {
      runSync(['umount', folder]);
      rmSync(base, { recursive: true });
    },
  };
}

/** Whether files get times of whole seconds there. */
export function hasWholeSeconds(folder: string): boolean {
  const times = Array.from({ length: 3 }, (_, index) => {
    const file = join(folder, `time ${index}`);
    writeFileSync(file, '');
    const { mtimeMs } = statSync(file);
    rmSync(file);
    return mtimeMs;
  });
  return times.every((time) => time % 1000 === 0);
}
