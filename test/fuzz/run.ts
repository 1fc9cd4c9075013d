import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { shareOf, targets } from './targets.js';
import type { Task } from './worker.js';

/** What came of one target. */
export interface Result {
  readonly name: string;
  readonly inputs: number;
  readonly seconds: number;
  /** Undefined when every input was taken as it has to be. */
  readonly problem: string | undefined;
}

/** Tries so many inputs in all, two targets at a time; a target that dies or hangs is a problem like any other. */
export async function fuzz(count: number, seed: number, onResult: (result: Result) => void): Promise<void> {
  const waiting = targets.map((target, index) => ({ target, index }));
  const work = async (): Promise<void> => {
    let thread = startThread();
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const task = { index: next.index, count: shareOf(next.target, count), seed };
      const begun = performance.now();
      const { inputs, problem, isAlive } = await tryAll(thread, task);
      onResult({ name: next.target.name, inputs, seconds: (performance.now() - begun) / 1000, problem });
      if (!isAlive) thread = startThread();
    }
    await thread.worker.terminate();
  };
  await Promise.all([work(), work()]);
}

interface Thread {
  readonly worker: Worker;
  /** The inputs that it has begun with. */
  readonly counter: Int32Array;
}

// A thread that is ended does not clean up itself.
const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

function startThread(): Thread {
  const tried = new SharedArrayBuffer(4);
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData: tried,
    env: { ...process.env, TMPDIR: folder },
  });
  return { worker, counter: new Int32Array(tried) };
}

/** How long one input may keep a thread from going on, in ms; a busy machine needs a few seconds to start one. */
const hangsAfterMs = 30_000;

async function tryAll(
  { worker, counter }: Thread,
  task: Task,
): Promise<{ inputs: number; problem: string | undefined; isAlive: boolean }> {
  counter[0] = 0;
  const decided = new AbortController();
  const { signal } = decided;
  const hangs = new Promise<string>((resolve) => {
    let before = -1;
    const watch = setInterval(() => {
      if (counter[0] === before) resolve(`hangs at input ${before}`);
      before = counter[0] ?? 0;
    }, hangsAfterMs);
    signal.addEventListener('abort', () => clearInterval(watch));
  });
  worker.postMessage(task);
  try {
    // An error of the thread, such as a rejection that nobody handles, rejects here.
    const said = once(worker, 'message', { signal }).then(([text]) => text as string);
    const text = await Promise.race([said, hangs]);
    const inputs = counter[0];
    if (text.startsWith('hangs')) await worker.terminate();
    return {
      inputs,
      problem: text !== '' ? text : inputs < task.count ? `ended after ${inputs} inputs` : undefined,
      isAlive: !text.startsWith('hangs'),
    };
  } catch (error) {
    const problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { inputs: counter[0], problem, isAlive: false };
  } finally {
    decided.abort();
  }
}
