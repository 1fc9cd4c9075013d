import { lstatSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { shellQuote } from '../shell-quote.js';

/** Where agent and scripts meet unless they are told otherwise. */
export const usualSocketPath = '/run/galera-sst-tunnel/agent.sock';

/** Names another socket, for scripts and for commands. */
export const socketVariable = 'GALERA_SST_TUNNEL_SOCKET';

/** What the kernel takes (sun_path, without the NUL). */
export const longestSocketPath = 107;

/** Whether what is at the path can be trusted with secrets, and serves this user. */
export type SocketTrust =
  | { readonly kind: 'trusted' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused'; readonly reason: string; readonly hint: string };

/**
 * Only an agent of this very user is asked: another user's could be anybody's, and what it writes would not belong to
 * the server. The directory counts too: who may rename in it may put a socket of his own there.
 */
export function judgeSocket(path: string, uid: number): SocketTrust {
  try {
    const socket = lstatSync(path, { throwIfNoEntry: false });
    if (socket === undefined) return { kind: 'absent' };
    if (!socket.isSocket())
      return {
        kind: 'refused',
        reason: 'it is not a socket',
        hint: 'remove it, and start the agent: systemctl restart galera-sst-tunnel',
      };
    if (socket.uid !== uid) {
      return {
        kind: 'refused',
        reason: `it belongs to user ${socket.uid}, this script runs as user ${uid}`,
        hint: 'run the agent as the user that the server runs as: systemctl edit galera-sst-tunnel',
      };
    }
    const directory = statSync(dirname(path));
    const isOpen = (directory.mode & 0o022) !== 0 && (directory.mode & 0o1000) === 0;
    if (isOpen || (directory.uid !== uid && directory.uid !== 0)) {
      return {
        kind: 'refused',
        reason: `others may replace it: ${dirname(path)} is writable for them`,
        hint: elsewhere(path),
      };
    }
    return { kind: 'trusted' };
  } catch (error) {
    return {
      kind: 'refused',
      reason: error instanceof Error ? error.message : String(error),
      hint: "open the socket's directory to the user that the server runs as: namei -l FILE shows where it ends",
    };
  }
}

/** A volume's root, which cannot be made private, is what a container has as a rule. */
function elsewhere(path: string): string {
  const directory = join(dirname(path), 'agent');
  const socket = shellQuote(join(directory, basename(path)));
  return `give the socket a directory that only its user may write: mkdir -m 0750 ${shellQuote(directory)} as that user, --socket ${socket} for the agent, ${socketVariable}=${socket} in the environment of agent and server`;
}
