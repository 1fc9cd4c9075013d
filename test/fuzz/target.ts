import fc from 'fast-check';
import { describeFailure, errorTable, TransferError, type Finding } from '../../src/errors.js';
import { serverLogLine } from '../../src/observe/server-log.js';

/** Something that reads what comes from outside, and inputs for it. */
export interface Target {
  readonly name: string;
  /** Its part of all inputs, beside the other targets' shares. */
  readonly share: number;
  /** Tries so many inputs; gives a report of the first that was not taken as it has to be. */
  run(count: number, seed: number, onInput: () => void): Promise<string | undefined>;
  /** Frees what it has opened. */
  close?(): Promise<void>;
}

/** Longer than any input may take, on a busy machine too, in ms. */
const longestMs = 3000;

/** @param check throws when something is wrong */
export function target<T>(
  name: string,
  share: number,
  inputs: fc.Arbitrary<T>,
  check: (input: T) => void,
): Target {
  return {
    name,
    share,
    run: async (count, seed, onInput) => {
      const property = fc.property(inputs, (input) => {
        onInput();
        const begun = performance.now();
        check(input);
        if (performance.now() - begun > longestMs) throw new Error(`takes longer than ${longestMs} ms`);
      });
      return report(fc.check(property, { ...parameters, seed, numRuns: count }));
    },
  };
}

/** As `target`, for what takes its time. */
export function asyncTarget<T>(
  name: string,
  share: number,
  inputs: fc.Arbitrary<T>,
  check: (input: T) => Promise<void>,
): Target {
  return {
    name,
    share,
    run: async (count, seed, onInput) => {
      const property = fc.asyncProperty(inputs, async (input) => {
        onInput();
        const begun = performance.now();
        await check(input);
        if (performance.now() - begun > longestMs) throw new Error(`takes longer than ${longestMs} ms`);
      });
      return report(await fc.check(property, { ...parameters, seed, numRuns: count }));
    },
  };
}

const parameters = { endOnFailure: false, interruptAfterTimeLimit: 3_600_000 } as const;

function report<T>(details: fc.RunDetails<[T]>): string | undefined {
  if (!details.failed) return undefined;
  const error = details.errorInstance instanceof Error ? details.errorInstance.stack : details.errorInstance;
  return `${fc.defaultReportMessage(details) ?? ''}\n${String(error)}`;
}

export function claim(isTrue: boolean, text: string): asserts isTrue {
  if (!isTrue) throw new Error(text);
}

/**
 * The result, or undefined for an input that was refused as it has to be: with one of our errors that is no defect, and
 * that is one line in a log.
 */
export function resultOrRefusal<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof TransferError)) throw error;
    claim(error.code !== 'INTERNAL', `a defect: ${error.message}`);
    claimClear(error);
    return undefined;
  }
}

/** A failure or finding has a code, a hint, and one line. */
export function claimClear(failure: TransferError | Finding): void {
  claim(Object.hasOwn(errorTable, failure.code), `no such code: ${failure.code}`);
  const text = describeFailure(failure);
  claim(text.includes(' HINT: '), `no hint: ${text}`);
  claim(isOneLine(serverLogLine('ERROR', text, new Date(0))), `more than one line: ${text}`);
}

export function isOneLine(text: string): boolean {
  return !/[\0-\x08\x0a-\x1f\x7f]/.test(text);
}
