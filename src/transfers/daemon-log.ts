import { closeSync, openSync, readSync, watch } from 'node:fs';
import { TransferError } from '../errors.js';
import type { EmitEvent } from '../events.js';
import { dataModule } from '../plan/modules.js';

/** What the daemon's log tells beside errors. */
export interface DaemonLogHooks {
  readonly fail: (error: TransferError) => void;
  /** A peer begins to write to a module. */
  readonly onWrite: (module: string) => void;
  /** A peer begins to read from a module. */
  readonly onRead: (module: string) => void;
}

/**
 * Follows the log of the joiner's rsync daemon: errors become events, and the one that nobody else can see, a donor that
 * runs the original script and therefore knows no secret, becomes a failure that names the option to set.
 */
export function followDaemonLog(file: string, emit: EmitEvent, hooks: DaemonLogHooks): () => void {
  const descriptor = openSync(file, 'r');
  const buffer = Buffer.alloc(64 * 1024);
  let rest = '';
  const read = (): void => {
    for (;;) {
      const count = readSync(descriptor, buffer, 0, buffer.length, null);
      if (count === 0) return;
      const lines = (rest + buffer.toString('utf8', 0, count)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) understand(line, emit, hooks);
    }
  };
  const watcher = watch(file, read);
  watcher.on('error', () => watcher.close());
  const timer = setInterval(read, 1000);
  return () => {
    clearInterval(timer);
    watcher.close();
    read();
    closeSync(descriptor);
  };
}

function understand(line: string, emit: EmitEvent, { fail, onWrite, onRead }: DaemonLogHooks): void {
  const text = line.replace(/^\S+ \S+ \[\d+\] /, '');
  const transfer = /^rsync (to|on) ([^/ ]+)\//.exec(text);
  if (transfer?.[2] !== undefined) (transfer[1] === 'to' ? onWrite : onRead)(transfer[2]);
  const withoutSecret = new RegExp(
    `^auth failed on module ${dataModule}(-log_dir)? .*(missing|no) (secret|user|auth)|^auth failed on module ${dataModule}(-log_dir)? .*for : `,
    'i',
  );
  if (withoutSecret.test(text)) {
    fail(
      new TransferError(
        'SECRET_MISSING',
        "a donor with a valid certificate wants to write without this transfer's secret, as the original script does",
      ),
    );
    return;
  }
  if (/^(rsync error|@ERROR|auth failed|rsync: )/.test(text))
    emit({ kind: 'child output', name: 'rsync daemon', line: text });
}
