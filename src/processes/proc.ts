import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { markerVariable } from './marks.js';

/** A process by more than its pid, which the kernel gives away again (often, in containers). */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks between boot and the start of the process, field 22 of /proc/PID/stat. */
  readonly startTicks: number;
  readonly bootId: string;
}

/** The identity of a running process; undefined when there is none with this pid. */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = fieldsAfterName(stat);
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return {
    pid,
    startTicks: Number(fields[19]),
    bootId: bootId(),
  };
}

let knownBootId: string | undefined;

/** Changes with every start of this host, which this process does not outlive; empty where it cannot be known. */
export function bootId(): string {
  return (knownBootId ??= read('/proc/sys/kernel/random/boot_id')?.trim() ?? '');
}

/** Whether the very process is still running. */
export function isAlive(identity: ProcessIdentity): boolean {
  const now = identify(identity.pid);
  return now !== undefined && now.startTicks === identity.startTicks && now.bootId === identity.bootId;
}

/** As whom a process was started: its real user; undefined when it is gone. */
export function realUserOf(pid: number): number | undefined {
  const found = /^Uid:\t(\d+)/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Whether a process is stopped (SIGSTOP, a debugger): it does not notice what happens around it. */
export function isStopped(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== undefined && /^[Tt]$/.test(fieldsAfterName(stat)[0] ?? '');
}

/**
 * Pids of the processes of a group, the leader included as long as it runs. Zombies do not count: socat 1.7.4.4 often
 * leaves a finished connection's process unreaped until the next one ends.
 */
export function groupMembers(groupId: number): number[] {
  return processesOf(groupId).map(({ pid }) => pid);
}

/** The group that a process belongs to; undefined when it is gone. */
export function groupOf(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat === undefined ? undefined : Number(fieldsAfterName(stat)[2]);
}

/** A process of a group. */
export interface GroupProcess {
  readonly pid: number;
  readonly parentPid: number;
  /** The program's name, at most 15 characters. */
  readonly name: string;
}

/** The processes of a group with their names and parents; zombies do not count. */
export function processesOf(groupId: number): GroupProcess[] {
  return allPids().flatMap((pid) => {
    const found = processOf(pid);
    return found?.group === groupId ? [found.process] : [];
  });
}

/**
 * A group's leader and all below it, zombies left out: where the kernel lists children (see `childrenOf`) at a fraction of the cost of
 * `processesOf`, which also finds those that have lost their parent.
 */
export function treeOf(leader: number): GroupProcess[] {
  if (read(`/proc/${leader}/task/${leader}/children`) === undefined) return processesOf(leader);
  const below = (pid: number): GroupProcess[] => {
    const found = processOf(pid);
    return found === undefined ? [] : [found.process, ...childrenOf(pid).flatMap(below)];
  };
  return below(leader);
}

/** Undefined when it is gone, or nothing but a zombie. */
function processOf(pid: number): { readonly process: GroupProcess; readonly group: number } | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const [state, parent, group] = fieldsAfterName(stat);
  if (state === 'Z' || state === 'X') return undefined;
  const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
  return { process: { pid, parentPid: Number(parent), name }, group: Number(group) };
}

/** The parent of a process and the words that it was started with; undefined when it is gone. */
export function originOf(
  pid: number,
): { readonly parentPid: number; readonly argv: readonly string[] } | undefined {
  const [stat, commandLine] = [read(`/proc/${pid}/stat`), read(`/proc/${pid}/cmdline`)];
  if (stat === undefined || commandLine === undefined) return undefined;
  return { parentPid: Number(fieldsAfterName(stat)[1]), argv: commandLine.split('\0').slice(0, -1) };
}

/** Bytes that a process with one thread has read so far, from files, pipes and sockets; undefined when it cannot be known. */
export function bytesRead(pid: number): number | undefined {
  return ownCount(pid, 'rchar');
}

/** Bytes that a process with one thread has written so far, to files, pipes and sockets; undefined when it cannot be known. */
export function bytesWritten(pid: number): number | undefined {
  return ownCount(pid, 'wchar');
}

/** The process's own io file counts what its children have moved, too, as soon as they have ended (Linux 6.18). */
function ownCount(pid: number, name: 'rchar' | 'wchar'): number | undefined {
  const found = new RegExp(`^${name}: (\\d+)$`, 'm').exec(read(`/proc/${pid}/task/${pid}/io`) ?? '')?.[1];
  return found === undefined ? undefined : Number(found);
}

/**
 * Pids of the children of a process with one thread. Reads one small file where the kernel has it (Debian's has), and all of /proc
 * elsewhere.
 */
export function childrenOf(pid: number): number[] {
  const listed = read(`/proc/${pid}/task/${pid}/children`);
  if (listed !== undefined) return listed.split(' ').filter(Boolean).map(Number);
  if (read(`/proc/${pid}/stat`) === undefined) return [];
  return allPids().filter((other) => originOf(other)?.parentPid === pid);
}

/** The program's name, at most 15 characters; undefined when the process is gone. */
export function nameOf(pid: number): string | undefined {
  return read(`/proc/${pid}/comm`)?.trimEnd();
}

/** Paths of the regular files that a process has open, the one it opened last at the end. */
export function openFiles(pid: number): string[] {
  return entriesOf(`/proc/${pid}/fd`)
    .sort((one, other) => Number(one) - Number(other))
    .filter((descriptor) => isRegularFile(`/proc/${pid}/fd/${descriptor}`))
    .map((descriptor) => link(`/proc/${pid}/fd/${descriptor}`));
}

/** A variable that a process was started with; undefined when it has none of that name, or cannot be looked at. */
export function variableOf(pid: number, name: string): string | undefined {
  return (read(`/proc/${pid}/environ`) ?? '')
    .split('\0')
    .find((entry) => entry.startsWith(`${name}=`))
    ?.slice(name.length + 1);
}

/** Pids of running processes that carry the marker of this transfer. */
export function findMarked(transferId: string): number[] {
  return allPids().filter((pid) => pid !== process.pid && variableOf(pid, markerVariable) === transferId);
}

/** Who listens on a TCP port of this host (its network namespace). */
export interface PortOwner {
  readonly address: string;
  /** Of the user who opened it. */
  readonly uid: number;
  /** Undefined when the owner belongs to another user, whose descriptors cannot be seen. */
  readonly pid?: number | undefined;
  readonly commandLine?: string | undefined;
  /** The transfer of ours that the owner belongs to. */
  readonly transferId?: string | undefined;
}

/**
 * Finds a listener that may keep `port` from being opened on `address` (undefined: on all addresses; `::`: on all of both families); reads
 * /proc/net/tcp and tcp6. One for all addresses of one family may or may not be for the other family as well.
 */
export function findPortOwner(port: number, address?: string): PortOwner | undefined {
  const tables = [
    ['/proc/net/tcp', decodeIp4],
    ['/proc/net/tcp6', decodeIp6],
  ] as const;
  // One of the other family may be in the way too, one of the same family certainly is.
  const isIp6 = address?.includes(':') === true;
  for (const [file, decode] of isIp6 ? [...tables].reverse() : tables) {
    for (const line of (read(file) ?? '').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      const [host, hexPort] = (fields[1] ?? '').split(':');
      if (fields[3] !== '0A' || host === undefined || Number.parseInt(hexPort ?? '', 16) !== port) continue;
      const local = decode(host);
      if (address !== undefined && address !== '::' && local !== address && !/^(0\.0\.0\.0|::)$/.test(local))
        continue;
      return { address: local, uid: Number(fields[7]), ...ownerOf(fields[9] ?? '') };
    }
  }
  return undefined;
}

/** The second field is the program's name in parentheses and may hold anything, also parentheses. */
function fieldsAfterName(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function ownerOf(inode: string): Pick<PortOwner, 'pid' | 'commandLine' | 'transferId'> {
  const wanted = `socket:[${inode}]`;
  for (const pid of allPids()) {
    if (!descriptors(pid).includes(wanted)) continue;
    return {
      pid,
      commandLine: (read(`/proc/${pid}/cmdline`) ?? '').split('\0').join(' ').trim().slice(0, 200),
      transferId: variableOf(pid, markerVariable),
    };
  }
  return {};
}

function descriptors(pid: number): string[] {
  return entriesOf(`/proc/${pid}/fd`).map((fd) => link(`/proc/${pid}/fd/${fd}`));
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function isRegularFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** A file's text; undefined where it cannot be read. */
export function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** The words of a file in which the kernel lists something; none where there is no such file. */
export function readWords(path: string): string[] {
  return (read(path) ?? '').split(/\s+/).filter((word) => word !== '');
}

function decodeIp4(hex: string): string {
  return [...Buffer.from(hex, 'hex')].reverse().join('.');
}

/** Four little-endian words; IPv4-mapped addresses are shown as IPv4, the rest as `new URL` normalises them. */
function decodeIp6(hex: string): string {
  const bytes = Buffer.from(hex, 'hex').swap32();
  if (bytes.subarray(0, 12).toString('hex') === '00000000000000000000ffff')
    return [...bytes.subarray(12)].join('.');
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}
