import { exchange } from './exchange.js';

/** How many questions in a row may stay without an answer. */
const unansweredAtMost = 10;

/**
 * Asks the agent again and again for a transfer that it does, and calls back once when no answer has come for `limitMs`: an agent that
 * is stopped (SIGSTOP) keeps its connections. Questions are counted instead of time: this process may have been stopped too. Another
 * agent at the same socket does not know the transfer.
 */
export function watchPulse(
  socketPath: string,
  transferId: string,
  limitMs: number,
  onSilent: (error: Error) => void,
): { stop(): void } {
  const everyMs = limitMs / unansweredAtMost;
  let unanswered = 0;
  const ask = async (): Promise<void> => {
    try {
      const answer = await exchange(
        socketPath,
        undefined,
        'GET',
        `/v1/transfers/${transferId}`,
        undefined,
        everyMs,
      );
      answer.resume();
      if (answer.statusCode === 200) unanswered = 0;
    } catch {
      // Counted already.
    }
  };
  const timer = setInterval(() => {
    if (unanswered < unansweredAtMost) {
      unanswered += 1;
      void ask();
      return;
    }
    clearInterval(timer);
    onSilent(new Error(`it has not answered for ${limitMs / 1000} s while the server was locked`));
  }, everyMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
