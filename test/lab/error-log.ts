import { existsSync, readFileSync, statSync, watch } from 'node:fs';

/** A server's error log: what it printed itself and what its SST script wrote to stderr. */
export class ErrorLog {
  /** Bytes that belong to earlier runs of the server. */
  start = 0;

  constructor(readonly file: string) {}

  /** From here on `current()` starts: the server is about to be started again. */
  markStart(): void {
    this.start = existsSync(this.file) ? statSync(this.file).size : 0;
  }

  /** Everything since the node exists. */
  all(): string {
    return existsSync(this.file) ? readFileSync(this.file, 'utf8') : '';
  }

  /** What was logged since the server's latest start. */
  current(): string {
    return existsSync(this.file) ? readFileSync(this.file).subarray(this.start).toString('utf8') : '';
  }

  /** The last lines of the latest start, for messages. */
  tail(lines = 25): string {
    return this.current().trimEnd().split('\n').slice(-lines).join('\n');
  }

  /**
   * Looks at the log whenever it grew until `look` returns something; rejects with what `look` throws, or
   * after `timeoutMs`, and then quotes the log's last lines.
   */
  watch<T>(look: (text: string) => T | undefined | Promise<T | undefined>, timeoutMs: number): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let looking = false;
      let grew = false;
      const glance = async (): Promise<void> => {
        grew = true;
        if (looking) return;
        looking = true;
        while (grew) {
          grew = false;
          const found = await look(this.current());
          if (found !== undefined) end(() => resolve(found));
        }
        looking = false;
      };
      const onGrowth = (): void => void glance().catch((error: unknown) => fail(String(error)));
      const watcher = watch(this.file, onGrowth);
      // Galera's state and the server's end are not always followed by a line in the log.
      const ticking = setInterval(onGrowth, 250);
      const limit = setTimeout(() => fail(`not within ${timeoutMs} ms`), timeoutMs);
      const end = (act: () => void): void => {
        watcher.close();
        clearInterval(ticking);
        clearTimeout(limit);
        act();
      };
      const fail = (why: string): void =>
        end(() => reject(new Error(`${why}; last lines of ${this.file}:\n${this.tail()}`)));
      onGrowth();
    });
  }
}
