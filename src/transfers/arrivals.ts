/** What has come over connections that have ended, for those who wait until a part of the copy is there. */
export class Arrivals {
  #bytes = 0;
  readonly #open = new Set<number>();
  #awaited: { readonly bytes: number; readonly act: () => unknown } | undefined;

  /** A connection for files is there, of the daemon's process `pid`. */
  began(pid: number): void {
    this.#open.add(pid);
  }

  /** The process has taken over all that it was to: files with so many bytes. Others than those for files do not count. */
  delivered(pid: number, bytes: number): void {
    if (!this.#open.delete(pid)) return;
    this.#bytes += bytes;
    if (this.#awaited === undefined || this.#bytes < this.#awaited.bytes) return;
    const { act } = this.#awaited;
    this.#awaited = undefined;
    act();
  }

  /** Acts once, as soon as so many bytes have come from now on; until the function that it gives is called. */
  whenArrived(bytes: number, act: () => unknown): () => void {
    const awaited = { bytes: this.#bytes + bytes, act };
    this.#awaited = awaited;
    return () => {
      if (this.#awaited === awaited) this.#awaited = undefined;
    };
  }
}
