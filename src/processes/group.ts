import { bytesRead, processesOf } from './proc.js';

/** One process of a process group. */
export interface GroupMember {
  readonly pid: number;
  readonly parentPid: number;
  /** The program's name, of which the kernel keeps 15 characters. */
  readonly program: string;
  /**
   * Bytes that it has read so far, from sockets and pipes too (`rchar` in /proc/PID/task/PID/io); undefined where that
   * cannot be seen.
   */
  readonly readBytes: number | undefined;
}

/** The running processes of a group. */
export function membersOf(group: number): GroupMember[] {
  return processesOf(group).map(({ pid, parentPid, name }) => ({
    ...{ pid, parentPid },
    program: name,
    readBytes: bytesRead(pid),
  }));
}

/** Whether a process has read something, or one has been added, between two looks at a group. */
export function hasRead(before: readonly GroupMember[], now: readonly GroupMember[]): boolean {
  const earlier = new Map(before.map(({ pid, readBytes }) => [pid, readBytes]));
  return now.some(({ pid, readBytes }) => {
    // What cannot be seen is taken for activity: a limit must not end what may be at work.
    if (readBytes === undefined || !earlier.has(pid)) return true;
    return readBytes !== earlier.get(pid);
  });
}
