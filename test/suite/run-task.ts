import { spawn } from 'node:child_process';
import { isRunning, processFacts, processIds } from '../lab/commands.js';
import { countPoints, type FailedPoint } from './count.js';
import type { Task } from './tasks.js';

export interface TaskResult {
  readonly task: Task;
  readonly passed: number;
  readonly failed: readonly FailedPoint[];
  readonly seconds: number;
}

export interface Surroundings {
  readonly cwd: string;
  readonly environment: NodeJS.ProcessEnv;
}

interface End {
  readonly stdout: string;
  readonly stderr: string;
  readonly how: string;
  readonly isClean: boolean;
}

const running = new Set<number>();

/** Runs one task in a process group of its own and says what it showed; never rejects. */
export async function runTask(task: Task, surroundings: Surroundings): Promise<TaskResult> {
  const started = performance.now();
  const end = await runToEnd(task, surroundings);
  return { task, ...judge(task, end), seconds: (performance.now() - started) / 1000 };
}

/** Ends all tasks that run, as an interrupted run has to. */
export function endAllTasks(): void {
  for (const pid of running) signalGroup(pid, 'SIGTERM');
}

/** What a task's end means: a file that crashed, hung or tried nothing has failed, whatever it printed. */
export function judge(task: Pick<Task, 'kind'>, end: End): Pick<TaskResult, 'passed' | 'failed'> {
  const output = [end.stdout, end.stderr]
    .map((text) => text.trimEnd())
    .join('\n')
    .trim();
  if (task.kind === 'lint') {
    return end.isClean
      ? { passed: 1, failed: [] }
      : { passed: 0, failed: [{ title: end.how, details: output }] };
  }
  const { passed, failed } = countPoints(end.stdout);
  if (passed + failed.length === 0) {
    return { passed, failed: [{ title: `${end.how} without any assertion`, details: output }] };
  }
  if (failed.length > 0 || end.isClean) return { passed, failed };
  return { passed, failed: [{ title: end.how, details: output.split('\n').slice(-30).join('\n') }] };
}

function runToEnd(task: Task, { cwd, environment }: Surroundings): Promise<End> {
  const [program, ...args] = task.argv;
  const child = spawn(program!, args, {
    cwd,
    env: { ...environment, TAP_TIMEOUT: String(task.timeoutMs / 1000 - 10) },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const { pid } = child;
  if (pid !== undefined) running.add(pid);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve) => {
    let isLate = false;
    const limit = setTimeout(() => {
      isLate = true;
      // Tests with servers clean up after SIGTERM; what does not listen is killed.
      signalGroup(pid, 'SIGTERM');
      setTimeout(() => signalGroup(pid, 'SIGKILL'), 10_000).unref();
    }, task.timeoutMs);
    const finish = async (how: string, isClean: boolean): Promise<void> => {
      clearTimeout(limit);
      const left = await endGroup(pid);
      if (pid !== undefined) running.delete(pid);
      if (isLate)
        resolve({ stdout, stderr, how: `not done after ${task.timeoutMs / 1000} s`, isClean: false });
      else if (left) resolve({ stdout, stderr, how: `${how}, leaving processes behind`, isClean: false });
      else resolve({ stdout, stderr, how, isClean });
    };
    child.once('error', (error) => void finish(`could not be started: ${error.message}`, false));
    child.once('exit', (code, signal) => {
      // A process left behind may hold the pipes open: what was written by now is what counts.
      const closed = new Promise<void>((done) => child.once('close', done));
      const enough = new Promise<void>((done) => setTimeout(done, 2000).unref());
      void Promise.race([closed, enough]).then(() => finish(signal ?? `exit ${code ?? '?'}`, code === 0));
    });
  });
}

/** Gives a group two seconds to be gone, then kills it; true when that was needed. */
async function endGroup(pid: number | undefined): Promise<boolean> {
  const deadline = performance.now() + 2000;
  let isKilled = false;
  while (pid !== undefined && groupRuns(pid)) {
    if (performance.now() > deadline) isKilled = signalGroup(pid, 'SIGKILL') || isKilled;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return isKilled;
}

/** Whether a process of the group runs; zombies that nobody waits for, as in many containers, do not count. */
export function groupRuns(pid: number): boolean {
  return processIds().some((one) => processFacts(one)?.group === pid && isRunning(one));
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}
