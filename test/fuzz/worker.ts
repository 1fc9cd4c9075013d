import { parentPort, workerData } from 'node:worker_threads';
import { targets } from './targets.js';

/** One target's inputs. */
export interface Task {
  readonly index: number;
  readonly count: number;
  readonly seed: number;
}

/** Works on one task after the other, in a thread that can be ended when it hangs. */
const counter = new Int32Array(workerData as SharedArrayBuffer);
parentPort?.on('message', ({ index, count, seed }: Task) => {
  const target = targets[index]!;
  const problem = target.run(count, seed, () => {
    Atomics.add(counter, 0, 1);
  });
  void problem.then(async (text) => {
    await target.close?.();
    parentPort?.postMessage(text ?? '');
  });
});
