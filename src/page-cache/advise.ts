import { WASI } from 'node:wasi';

/** node's types (20) leave it to those of browsers. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
};

/** From `wasi_snapshot_preview1`. */
const wasi = {
  /** The directory that was opened first. */
  root: 3,
  followLinks: 1,
  mayAdvise: 1n << 7n,
  dontNeed: 4,
  ok: 0,
} as const;

/** The functions of `wasi_snapshot_preview1` that are used. */
interface Imports {
  readonly path_open: (
    directory: number,
    lookupFlags: number,
    path: number,
    pathBytes: number,
    openFlags: number,
    rights: bigint,
    rightsInheriting: bigint,
    flags: number,
    descriptor: number,
  ) => number;
  readonly fd_advise: (descriptor: number, offset: bigint, length: bigint, advice: number) => number;
  readonly fd_close: (descriptor: number) => number;
}

/** Where in the shared memory the descriptor comes and the path goes. */
const descriptorAt = 0;
const pathAt = 16;
const memoryPages = 1;

/**
 * Gives what tells the kernel that a file's pages are not needed (`posix_fadvise`, `POSIX_FADV_DONTNEED`): what has changed begins to be
 * written to disk, what is there already leaves the page cache, and nothing of the file changes. Twice, with time to write
 * between, leaves little of it. node has that call for WebAssembly only (`node:wasi`, in 20 to 24 marked as experimental), which
 * takes no program to be there: its functions need nothing but a memory. Some 6 µs a call.
 *
 * The function takes an absolute path and says whether the kernel took the advice; where there is no such file it did not.
 * @throws where this node has no such call
 */
export function openAdviser(): (path: string) => boolean {
  const system = new WASI({ version: 'preview1', preopens: { '/': '/' } });
  const memory = new WebAssembly.Memory({ initial: memoryPages });
  system.initialize({ exports: { memory } });
  const { path_open, fd_advise, fd_close } = system.wasiImport as unknown as Imports;
  const bytes = new Uint8Array(memory.buffer);
  const view = new DataView(memory.buffer);
  const encoder = new TextEncoder();
  return (path) => {
    const relative = path.slice(1);
    const { read, written } = encoder.encodeInto(relative, bytes.subarray(pathAt));
    if (read < relative.length) return false;
    const { root, followLinks, mayAdvise } = wasi;
    const opened = path_open(root, followLinks, pathAt, written, 0, mayAdvise, 0n, 0, descriptorAt);
    if (opened !== wasi.ok) return false;
    const descriptor = view.getUint32(descriptorAt, true);
    const advised = fd_advise(descriptor, 0n, 0n, wasi.dontNeed);
    fd_close(descriptor);
    return advised === wasi.ok;
  };
}
