import { chmodSync, chownSync, existsSync, lstatSync, readFileSync, rmSync, statSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { TransferError } from '../errors.js';
import { shellQuote } from '../shell-quote.js';
import { ownUser } from '../surroundings.js';
import { longestSocketPath } from './socket.js';

/**
 * Listens on a unix socket that owner and group may use (0660, group mysql where it exists). One that a killed agent
 * left is replaced, one that answers is not.
 * @throws TransferError ALREADY_RUNNING, DIRECTORY_MISSING, DIRECTORY_NOT_WRITABLE.
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  // Node cuts longer ones without a word and listens elsewhere (20.20).
  if (Buffer.byteLength(path) > longestSocketPath) {
    throw new TransferError(
      'ARGUMENT_INVALID',
      `the socket's path has more than ${longestSocketPath} bytes: ${path}`,
      { hint: 'name a shorter path with --socket' },
    );
  }
  await removeStale(path);
  const before = process.umask(0o117);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (cause) {
    throw cannotListen(path, cause);
  } finally {
    process.umask(before);
  }
  chmodSync(path, 0o660);
  shareWithServers(path);
}

async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new TransferError('ARGUMENT_INVALID', `${path} is there and is not a socket`, {
      hint: 'name another path with --socket, or remove the file',
    });
  }
  if (await somebodyAnswers(path)) {
    throw new TransferError('ALREADY_RUNNING', `an agent answers at ${path} already`, {
      hint: 'one agent serves all servers of a host; stop the other one first: systemctl stop galera-sst-tunnel',
    });
  }
  rmSync(path, { force: true });
}

function somebodyAnswers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    // EAGAIN: its queue is full, so somebody listens.
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** An owner may give a file to a group that he is in; if he is not in group mysql, the socket is for him alone. */
function shareWithServers(path: string): void {
  const gid = groupId('mysql');
  // The unit's system call filter lets nobody give files away, also to the group that they belong to.
  if (gid === undefined || statSync(path).gid === gid) return;
  try {
    chownSync(path, ownUser().uid, gid);
  } catch {
    chmodSync(path, 0o600);
  }
}

function groupId(name: string): number | undefined {
  try {
    const line = readFileSync('/etc/group', 'utf8')
      .split('\n')
      .find((entry) => entry.startsWith(`${name}:`));
    return line === undefined ? undefined : Number(line.split(':')[2]);
  } catch {
    return undefined;
  }
}

function cannotListen(path: string, cause: unknown): TransferError {
  // libuv says EACCES for a directory that is not there (node 20.20).
  const isMissing = !existsSync(dirname(path));
  return new TransferError(
    isMissing ? 'DIRECTORY_MISSING' : 'DIRECTORY_NOT_WRITABLE',
    `cannot listen on ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
    {
      hint: `create it, owned by the user of the agent: install -d -o mysql -g mysql ${shellQuote(dirname(path))} (systemd's RuntimeDirectory does it)`,
      cause,
    },
  );
}
