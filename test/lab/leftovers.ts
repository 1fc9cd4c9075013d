import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { isRunning, processFacts, processIds, runSync, sleepSync, succeeds } from './commands.js';
import { hostsFoldersOf, namespacesOf, removeNetwork } from './network.js';

/** What of a lab is still there: one line for each process, namespace, mount, folder. Empty is right. */
export function leftovers(name: string, root: string): string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`${name}-`) || line.includes(` ${root}/`));
  return [
    ...labProcesses(name, root).map((pid) => `process ${pid}: ${commandLine(pid)}`),
    ...namespacesOf(name).map((namespace) => `namespace ${namespace}`),
    ...mounts.map((line) => `mount ${line}`),
    ...[root, `/run/gst-lab/${name}`, ...hostsFoldersOf(name)].filter((path) => existsSync(path)),
  ];
}

/** The processes of a lab: in its namespaces, with its mark in the environment, or with its root in argv. */
export function labProcesses(name: string, root: string): number[] {
  const inside = namespacesOf(name).flatMap((namespace) =>
    runSync(['ip', 'netns', 'pids', namespace]).split('\n').filter(Boolean).map(Number),
  );
  const marked = processIds().filter(
    (pid) =>
      readProc(pid, 'environ').split('\0').includes(`GST_LAB=${name}`) ||
      commandLine(pid).includes(`${root}/`),
  );
  const ours = ancestors(process.pid);
  return [...new Set([...inside, ...marked])].filter((pid) => !ours.has(pid) && isRunning(pid));
}

/** Kills a lab's processes, then removes its namespaces and files. */
export function removeTraces(name: string, root: string): void {
  const ending = new Set<number>();
  // A script that is killed may just have started another program: look again until none is left.
  for (let round = 0; round < 500; round++) {
    for (const pid of labProcesses(name, root)) {
      killNow(pid);
      ending.add(pid);
    }
    for (const pid of ending) if (holdsNothing(pid)) ending.delete(pid);
    if (ending.size === 0) break;
    sleepSync(10);
  }
  removeNetwork(name);
  removeWithMounts(root);
}

/** Removes a folder, and what is mounted below it from where it is mounted. */
export function removeWithMounts(root: string): void {
  for (const mount of mountsBelow(root)) succeeds(['umount', '--lazy', mount]);
  rmSync(root, { recursive: true, force: true, maxRetries: 3 });
}

/**
 * A process that ends loses its memory, and with it the words by which it is known, before it closes its files; and a server's first
 * thread is a zombie while others still close theirs: their file system could not be unmounted yet.
 */
function holdsNothing(pid: number): boolean {
  if (isRunning(pid)) return false;
  try {
    return readdirSync(`/proc/${pid}/task`).length <= 1;
  } catch {
    return true;
  }
}

function mountsBelow(root: string): string[] {
  const points = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  return points.filter((point) => point.startsWith(`${root}/`)).reverse();
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it ended by itself
  }
}

/** The calling process and those that started it: their command lines may name the root. */
function ancestors(pid: number): Set<number> {
  const found = new Set<number>();
  for (let one = pid; one > 0 && !found.has(one); one = processFacts(one)?.parent ?? 0) found.add(one);
  return found;
}

const commandLine = (pid: number): string => readProc(pid, 'cmdline').replaceAll('\0', ' ').trim();

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
