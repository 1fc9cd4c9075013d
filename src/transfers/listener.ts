import type { Config } from '../config/config.js';
import { TransferError } from '../errors.js';
import type { JoinerPlan } from '../plan/joiner.js';
import { killedBy } from '../processes/killed.js';
import { findPortOwner, groupMembers } from '../processes/proc.js';
import { childFailure, supervise, type SupervisedChild } from '../processes/supervise.js';
import { portBusy } from './port.js';
import type { TransferContext } from './context.js';
import { socatComplaints, sockoptRejected } from './socat-failure.js';
import { endSilentConnections, type SilentConnections } from './silent-connections.js';
import { delay, untilAborted } from './wait.js';

/**
 * What the listener's own messages tell (socat -d -d, 1.7.4 and 1.8). It makes an error of every rsync that ends with
 * a status, such as the one that a donor's handshake leaves without a question; rsync's own log tells the true ones. A signal
 * that ends it is ours, or in the outcome. Where two connections end at once it finds both by the first one's signal, and none by the second's.
 */
const routine =
  / [IN] |^\S+ \S+ socat\[\d+\] [IN]| E waitpid\(\): child \d+ exited with status | W exiting on signal \d+$| W waitpid\(-1, \{\}, WNOHANG\): no child has exited$/;

/** Whether a line of the listener's tells of nothing that is wrong. */
export function isRoutine(line: string): boolean {
  return routine.test(line);
}

/** Who is told what of a listener. */
export interface ListenerHooks {
  readonly onConnection: (from: string) => void;
  readonly onEnd: (error: TransferError) => void;
  /** Whether a process of its group serves a donor that has logged in. */
  readonly isLetIn: (pid: number) => boolean;
  /** Every line that it and its programs write to stderr. */
  readonly onLine?: (line: string) => void;
}

/** Starts the joiner's listener and waits until it listens; afterwards `onEnd` is told when it dies. */
export async function startListener(
  config: Config,
  plan: JoinerPlan,
  context: TransferContext,
  hooks: ListenerHooks,
): Promise<SupervisedChild> {
  let isListening = (): void => undefined;
  let silent: SilentConnections | undefined;
  const listening = new Promise<void>((resolve) => (isListening = resolve));
  const listener = supervise(
    plan.listener,
    { transferId: context.id, emit: context.emit, signal: context.signal },
    {
      onStderr: (line) => {
        hooks.onLine?.(line);
        if (line.includes(' listening on ')) isListening();
        const killed = killedBy(line);
        if (killed !== undefined) {
          const text = `the ${killed.program} of a connection was ended by ${killed.signal}`;
          hooks.onEnd(new TransferError('CHILD_FAILED', text));
        }
        const connection = / accepting connection from (?:AF=\d+ )?(\S+)/.exec(line)?.[1];
        if (connection !== undefined) {
          hooks.onConnection(connection);
          silent?.connected();
        }
        return isRoutine(line);
      },
    },
  );
  if (listener.pid !== undefined) silent = endSilentConnections(listener.pid, hooks.isLetIn, context.emit);
  const died = listener.ended.then((outcome) => {
    silent?.stop();
    const complaints = socatComplaints(listener.lastWords());
    if (complaints.some((text) => text.includes('Address already in use')))
      return portBusy(config, findPortOwner(config.address.port));
    // Where a security module forbids what the capabilities allow.
    const forbidden = complaints.find((text) => /^bind\(.*Permission denied/.test(text));
    if (forbidden !== undefined)
      return new TransferError('PORT_FORBIDDEN', `socat may not listen: ${forbidden}`);
    return sockoptRejected(complaints, config.tls.sockopt) ?? childFailure(listener, outcome);
  });
  const decided = new AbortController();
  const signal = AbortSignal.any([context.signal, decided.signal]);
  try {
    await Promise.race([
      listening,
      died.then((error) => Promise.reject(error)),
      untilAborted(signal),
      tooLate(signal),
    ]);
  } catch (error) {
    await listener.stop(0);
    throw error;
  } finally {
    decided.abort(new Error('the listener listens or has ended'));
  }
  void died.then(hooks.onEnd);
  return listener;
}

/** The listener itself and its guard: what its process group consists of while nobody is connected. */
const idleGroupSize = 2;

/**
 * Waits until every connection has ended by itself. An rsync that is told to end instead sleeps 0.4 s before it does
 * (3.5.0).
 */
export async function untilIdle(listener: SupervisedChild, signal: AbortSignal): Promise<void> {
  while (listener.pid !== undefined && groupMembers(listener.pid).length > idleGroupSize)
    await delay(10, signal);
}

async function tooLate(signal: AbortSignal): Promise<never> {
  await delay(10_000, signal);
  throw new TransferError('TIMED_OUT', 'socat did not begin to listen within 10 s');
}
