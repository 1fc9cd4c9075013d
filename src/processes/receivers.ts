import { childrenOf, nameOf } from './proc.js';

/** A process that reads a connection and writes files. */
export interface Receiver {
  readonly pid: number;
  /** It speaks through this one. */
  readonly socat: number;
}

/** What the search for receivers asks about processes. */
export interface ProcessTree {
  readonly childrenOf: (pid: number) => readonly number[];
  readonly nameOf: (pid: number) => string | undefined;
}

/**
 * Finds them among the descendants of a listener. An rsync that receives is two processes, of which the child reads the
 * connection and writes the files (3.5.0); above them are a shell and the connection's socat.
 */
export function findReceivers(
  listenerPid: number,
  tree: ProcessTree = { childrenOf, nameOf },
): readonly Receiver[] {
  const below = (pid: number, socat: number, isRsync: boolean): Receiver[] =>
    tree.childrenOf(pid).flatMap((child) => {
      const isRsyncToo = tree.nameOf(child) === 'rsync';
      return isRsync && isRsyncToo ? [{ pid: child, socat }] : below(child, socat, isRsyncToo);
    });
  return tree.childrenOf(listenerPid).flatMap((socat) => below(socat, socat, false));
}
