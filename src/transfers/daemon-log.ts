import { closeSync, openSync, readSync } from 'node:fs';
import { TransferError } from '../errors.js';
import type { EmitEvent } from '../events.js';
import { messageFiles } from '../plan/joiner.js';
import { messageModules, transferUser } from '../plan/modules.js';
import { tryWatch } from './wait.js';

/** Who is told what the log of the joiner's rsync daemon tells. */
export interface DaemonLogListener {
  readonly emit: EmitEvent;
  /**
   * A donor has been let in, and nobody else gets that far: it begins to write to a module or to read from it, through
   * the daemon's process `pid`.
   */
  readonly onDonor: (access: 'write' | 'read', module: string, pid: number) => void;
  /** A connection has ended well that carried files with so many bytes in all, whether they had to be sent or not. */
  readonly onDelivered: (pid: number, bytes: number) => void;
  readonly onFailure: (error: TransferError) => void;
  /**
   * A connection for writing has ended in the middle, says the process `pid`. Where that is the daemon's, which has not forked another
   * one yet, it may be somebody who has not been let in.
   */
  readonly onBroken: (text: string, pid: number, isForked: boolean) => void;
}

/** A log that is being followed. */
export interface FollowedLog {
  /** Reads what has been written since, for those who have learnt in another way that something happened. */
  catchUp(): void;
  stop(): void;
}

/** Follows the log of the joiner's rsync daemon. */
export function followDaemonLog(file: string, listener: DaemonLogListener): FollowedLog {
  const descriptor = openSync(file, 'r');
  const buffer = Buffer.alloc(64 * 1024);
  let rest = '';
  const refused = { lastMs: -Infinity };
  let isOpen = true;
  const read = (): void => {
    while (isOpen) {
      const count = readSync(descriptor, buffer, 0, buffer.length, null);
      if (count === 0) return;
      const lines = (rest + buffer.toString('utf8', 0, count)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) report(line, listener, refused);
    }
  };
  const watcher = tryWatch(file, read);
  const timer = setInterval(read, 1000);
  return {
    catchUp: read,
    stop: () => {
      clearInterval(timer);
      watcher?.close();
      read();
      isOpen = false;
      closeSync(descriptor);
    },
  };
}

function report(
  line: string,
  { emit, onDonor, onDelivered, onFailure, onBroken }: DaemonLogListener,
  refused: { lastMs: number },
): void {
  const said = understandDaemonLine(line);
  const pid = Number(/^\S+ \S+ \[(\d+)\] /.exec(line)?.[1]);
  switch (said.kind) {
    case 'donor':
      onDonor(said.access, said.module, pid);
      return;
    case 'delivered':
      onDelivered(pid, said.bytes);
      return;
    case 'no secret':
      onFailure(
        new TransferError(
          'SECRET_MISSING',
          `a node wants to write without this transfer's secret (as user ${JSON.stringify(said.user)}), as a donor with the original script does`,
        ),
      );
      return;
    case 'wrong secret':
      // A donor asks for an answer while it makes its offer.
      if (performance.now() - refused.lastMs < 2000) return;
      refused.lastMs = performance.now();
      emit({
        kind: 'notice',
        text: "refused a node with a valid certificate and another transfer's secret; still waiting for the donor",
      });
      return;
    case 'not written':
      onFailure(notWritten(said.text));
      return;
    case 'broken':
      emit({ kind: 'child output', name: 'rsync daemon', line: said.text });
      onBroken(said.text, pid, said.isForked);
      return;
    // rsync sends a file anew first; this is said when the second time failed too.
    case 'damaged':
      onFailure(
        new TransferError(
          'COPY_INCOMPLETE',
          `a file has arrived with other contents than were sent: ${said.text}`,
        ),
      );
      return;
    case 'trouble':
      emit({ kind: 'child output', name: 'rsync daemon', line: said.text });
      return;
    case 'routine':
      return;
  }
}

/**
 * rsync 3.5.0 does not tell the donor: its daemon logs that it could not write a file, goes on with the next, and the
 * donor's rsync ends with status 0. A file that was there before would pass for the donor's.
 */
function notWritten(text: string): TransferError {
  const message = `what the donor sends cannot be written: ${text}`;
  const isFull = /No space left on device|Disk quota exceeded/.test(text);
  if (isFull) return new TransferError('DISK_FULL', message);
  // rsync 3.5.0 says "No such file" also for a directory that it may not write to.
  return new TransferError('DIRECTORY_NOT_WRITABLE', message, {
    hint: "everything in the data directory must belong to the user that the server runs as: check owner and mode of that file and its directory (namei -l FILE), and the file system's state",
  });
}

/** The end of a connection, as its two processes see it, or as the one does that is still reading the list of files. */
const brokenConnection =
  /^rsync error: .*\(code 1[02]\) at .*\[(receiver|generator)=|^rsync: .*\[(receiver|generator)\] .*(Connection reset by peer|Connection timed out|Broken pipe)/i;

/** Under its own name or the one that it has until it is complete. */
const probe = new RegExp(`"[^"]*\\b${messageFiles.probe}(\\.\\w{6})?" \\(in ${messageModules.inbox}\\)`);

/** What a line of the daemon's log means for a transfer. */
export type DaemonLine =
  | { readonly kind: 'donor'; readonly access: 'write' | 'read'; readonly module: string }
  | { readonly kind: 'delivered'; readonly bytes: number }
  | { readonly kind: 'no secret'; readonly user: string }
  | { readonly kind: 'wrong secret' }
  | { readonly kind: 'not written'; readonly text: string }
  | { readonly kind: 'broken'; readonly text: string; readonly isForked: boolean }
  | { readonly kind: 'damaged'; readonly text: string }
  | { readonly kind: 'trouble'; readonly text: string }
  | { readonly kind: 'routine' };

/**
 * Reads a line as rsync 3.5.0 writes it. A client that was not told a user, as the original script's, says who runs
 * it (`mysql`, or `nobody` without a USER): `auth failed on module … for mysql: no matching rule`. With the right user
 * and a wrong secret it is `… for sst: password mismatch`. Once authenticated it is `rsync to MODULE/ from sst@…`.
 */
export function understandDaemonLine(line: string): DaemonLine {
  const text = line.replace(/^\S+ \S+ \[\d+\] /, '');
  const [, way, module] = /^rsync (to|on) ([^/ ]+)/.exec(text) ?? [];
  if (module !== undefined) return { kind: 'donor', access: way === 'to' ? 'write' : 'read', module };
  const [, size] = /^sent \S+ bytes {2}received \S+ bytes {2}total size ([\d,.]+)$/.exec(text) ?? [];
  if (size !== undefined) return { kind: 'delivered', bytes: Number(size.replaceAll(/\D/g, '')) };
  const refused = /^auth failed on module .* for (\S*): ([^:]*)$/.exec(text);
  if (refused !== null) {
    const [, user = '', reason = ''] = refused;
    if (user !== transferUser && reason === 'no matching rule') return { kind: 'no secret', user };
    if (reason === 'password mismatch') return { kind: 'wrong secret' };
    return { kind: 'trouble', text };
  }
  if (brokenConnection.test(text)) return { kind: 'broken', text, isForked: !text.includes('[Receiver') };
  // Attributes that could not be set are worth a line, not the transfer; a probe that finds no room, neither.
  if (
    /^rsync: \[(receiver|generator)\] .*failed/i.test(text) &&
    !/failed to set|\] ch(own|grp|mod) /.test(text) &&
    !probe.test(text)
  )
    return { kind: 'not written', text: text.replace(/^rsync: /, '') };
  if (/^ERROR: .* failed verification/.test(text)) return { kind: 'damaged', text };
  return /^(rsync error|rsync: |@ERROR|ERROR: |unknown module|auth failed|ignoring|secrets file)/.test(text)
    ? { kind: 'trouble', text }
    : { kind: 'routine' };
}
