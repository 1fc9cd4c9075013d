import { WASI } from 'node:wasi';

/** node's types (20) leave it to those of browsers. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: object,
  ) => {
    readonly exports: {
      readonly memory: { readonly buffer: ArrayBuffer };
      /** The path's bytes are at `pathAt`; gives an error number of WASI's, 0 for none. */
      readonly advise: (pathBytes: number) => number;
    };
  };
};

/**
 * This program, 236 bytes when it is assembled:
 *
 *     (module
 *       (import "wasi_snapshot_preview1" "path_open"
 *         (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
 *       (import "wasi_snapshot_preview1" "fd_advise" (func $advise (param i32 i64 i64 i32) (result i32)))
 *       (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
 *       (memory (export "memory") 1)
 *       (func (export "advise") (param $bytes i32) (result i32) (local $error i32)
 *         ;; the path at 16, below the directory that was opened first (3), links followed (1), with the right to
 *         ;; advise (128); the descriptor comes to 0
 *         (call $open (i32.const 3) (i32.const 1) (i32.const 16) (local.get $bytes) (i32.const 0)
 *           (i64.const 128) (i64.const 0) (i32.const 0) (i32.const 0))
 *         (if (local.tee $error) (then (return (local.get $error))))
 *         ;; all of it is not needed (4)
 *         (local.set $error
 *           (call $advise (i32.load (i32.const 0)) (i64.const 0) (i64.const 0) (i32.const 4)))
 *         (drop (call $close (i32.load (i32.const 0))))
 *         (local.get $error)))
 */
const program =
  'AGFzbQEAAAABGwNgCX9/f39/fn5/fwF/YAR/fn5/AX9gAX8BfwJpAxZ3YXNpX3NuYXBzaG90X3ByZXZpZXcxCXBhdGhfb3BlbgAAFndhc2lf' +
  'c25hcHNob3RfcHJldmlldzEJZmRfYWR2aXNlAAEWd2FzaV9zbmFwc2hvdF9wcmV2aWV3MQhmZF9jbG9zZQACAwIBAgUDAQABBxMCBm1lbW9y' +
  'eQIABmFkdmlzZQADCjwBOgEBf0EDQQFBECAAQQBCgAFCAEEAQQAQACIBBEAgAQ8LQQAoAgBCAEIAQQQQASEBQQAoAgAQAhogAQs=';
const pathAt = 16;
/** As long as Linux takes them. */
const longestPathBytes = 4095;

/**
 * Gives what tells the kernel that a file's pages are not needed (`posix_fadvise`, `POSIX_FADV_DONTNEED`): what has changed begins to be
 * written to disk, what is there already leaves the page cache, and nothing of the file changes. Twice, with time to write
 * between, leaves little of it. node has that call for WebAssembly only (`node:wasi`, marked as experimental in 20 to 24), so there is a
 * program that makes it. Some 6 µs a call.
 *
 * The function takes an absolute path and says whether the kernel took the advice; where there is no such file it did not.
 * @throws where this node has no such call
 */
export function openAdviser(): (path: string) => boolean {
  const system = new WASI({ version: 'preview1', preopens: { '/': '/' } });
  const module = new WebAssembly.Module(Buffer.from(program, 'base64'));
  const instance = new WebAssembly.Instance(module, system.getImportObject());
  system.initialize(instance);
  const { memory, advise } = instance.exports;
  const room = new Uint8Array(memory.buffer, pathAt, longestPathBytes + 1);
  const encoder = new TextEncoder();
  return (path) => {
    const relative = path.slice(1);
    const { read, written } = encoder.encodeInto(relative, room.subarray(0, longestPathBytes));
    // It is told how long the path is, and reads on to a NUL all the same (node 20.20).
    room[written] = 0;
    return read === relative.length && advise(written) === 0;
  };
}
